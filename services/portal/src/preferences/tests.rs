use std::collections::BTreeMap;

use proptest::prelude::*;
use url::form_urlencoded::Serializer;

use super::*;

proptest! {
    #[test]
    fn exactly_what_differs_from_what_was_shown_is_wished(
        categories in proptest::collection::btree_map("categories/[a-z_]{1,12}", any::<(bool, bool)>(), 0..12),
        strangers in proptest::collection::vec("[ -~]{0,20}", 0..4),
    ) {
        let mut form = Serializer::new(String::new());
        for (category, (was_wanted, wanted)) in &categories {
            form.append_pair(if *was_wanted { "shown_wanted" } else { "shown_unwanted" }, category);
            if *wanted {
                form.append_pair("wanted", category);
            }
        }
        // Marked without having been shown: nobody was asked, so nobody has wished.
        for stranger in strangers.iter().filter(|stranger| !categories.contains_key(*stranger)) {
            form.append_pair("wanted", stranger);
        }

        let wishes = changed(&Fields::parse(form.finish().as_bytes()));

        let wished: BTreeMap<_, _> = wishes.iter().map(|wish| (wish.category.clone(), wish.wanted)).collect();
        prop_assert_eq!(wished.len(), wishes.len(), "each once");
        let differing = categories.into_iter().filter(|(_, (was, is))| was != is).map(|(category, (_, is))| (category, is));
        prop_assert_eq!(wished, differing.collect());
    }
}
