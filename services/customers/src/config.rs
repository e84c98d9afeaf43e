//! Settings of this service.

use std::path::{Path, PathBuf};

use clap::Args;
use seva_runtime::config::Faults;

use crate::order::OrderRules;

#[cfg(test)]
mod tests;

/// What holds for orders.
#[derive(Debug, Clone, Default, Args)]
pub struct CustomersConfig {
    /// TOML file of rules for orders, by source: `at_risk_lead`, how long before its end a promised day is at risk, and `fresh_for`, how long a
    /// report counts as fresh; without it 24h and 48h
    #[arg(long = "customers-order-rules", env = "SEVA_CUSTOMERS_ORDER_RULES", value_name = "FILE")]
    pub order_rules: Option<PathBuf>,
}

/// A checked [`CustomersConfig`].
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What holds for the orders of each source.
    pub order_rules: OrderRules,
}

impl CustomersConfig {
    /// The settings; notes every fault.
    pub fn check(&self, faults: &mut Faults) -> Option<Settings> {
        let order_rules = match &self.order_rules {
            Some(file) => {
                faults.take_all("--customers-order-rules (SEVA_CUSTOMERS_ORDER_RULES)", read_order_rules(file))?
            }
            None => OrderRules::default(),
        };
        Some(Settings { order_rules })
    }
}

fn read_order_rules(file: &Path) -> Result<OrderRules, Vec<String>> {
    let named = |fault: String| format!("{}: {fault}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| vec![named(error.to_string())])?;
    OrderRules::parse(&text).map_err(|faults| faults.into_iter().map(named).collect())
}
