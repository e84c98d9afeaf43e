//! Health.

/// Says which services are ready.
#[derive(Debug, Clone, Default)]
pub struct Health;

impl Health {
    /// Sets a service.
    pub async fn set_serving(&self, _service: &str, _serving: bool) {}
}
