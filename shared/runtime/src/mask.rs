//! Which fields an update writes (AIP-134).

use prost_types::FieldMask;
use seva_values::Invalid;

use crate::Violations;

/// The paths to write: those of the mask, all with `*`, or without a mask those that are set.
///
/// Fields that are output only are named without effect, as a resource that was read is sent back whole; unknown paths are faults, which are
/// noted.
pub fn masked_paths(
    mask: Option<FieldMask>,
    writable: &[&'static str],
    output_only: &[&str],
    is_set: impl Fn(&str) -> bool,
    violations: &mut Violations,
) -> Vec<&'static str> {
    let Some(mask) = mask.filter(|mask| !mask.paths.is_empty()) else {
        return writable.iter().copied().filter(|path| is_set(path)).collect();
    };
    for (at, path) in mask.paths.iter().enumerate() {
        let path = path.as_str();
        if path != "*" && !writable.contains(&path) && !output_only.contains(&path) {
            violations.add(
                format!("update_mask.paths[{at}]"),
                Invalid::new("MASK_PATH_UNKNOWN", format!("has to be *, or one of: {}", writable.join(", "))),
            );
        }
    }
    let is_named = |path: &str| mask.paths.iter().any(|named| named == path || named == "*");
    writable.iter().copied().filter(|path| is_named(path)).collect()
}

/// Puts a new value in and notes the field's name, when there is one and it differs.
pub fn replace<T: PartialEq>(field: &mut T, value: Option<T>, name: &'static str, changed: &mut Vec<&'static str>) {
    if let Some(value) = value.filter(|value| value != field) {
        *field = value;
        changed.push(name);
    }
}
