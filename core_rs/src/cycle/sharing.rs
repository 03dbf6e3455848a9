//! Clusters as configured, by addresses.

use crate::error::{Error, Result};

/// How members share.
#[derive(Clone, Debug, PartialEq)]
pub enum Shares {
    /// By fixed weights, one a member.
    Fixed(Vec<f64>),
    /// Discharge by energy above the lowest state of charge, charge by room below the highest.
    Soc {
        /// Channels of the members' states of charge in percent.
        soc: Vec<String>,
        /// Their capacities.
        capacity_wh: Vec<f64>,
        /// Nothing is given at or below this.
        minimum_pct: f64,
        /// Nothing is taken at or above this.
        maximum_pct: f64,
    },
}

/// A cluster as configured, by addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterSpec {
    /// Unique name.
    pub name: String,
    /// The actuator (of the role group) that stands for all.
    pub target: String,
    /// Actuators of the same unit.
    pub members: Vec<String>,
    /// How they share.
    pub shares: Shares,
}

impl ClusterSpec {
    /// What it is called in reasons.
    pub fn id(&self) -> String {
        format!("cluster:{}", self.name)
    }

    /// Refuses what cannot share.
    pub fn validate(&self) -> Result<()> {
        let refuse = |text: &str| Err(Error::invalid(format!("cluster {}: {text}", self.name)));
        let positive = |weights: &[f64]| {
            weights.len() == self.members.len() && weights.iter().all(|weight| weight.is_finite() && *weight > 0.0)
        };
        if self.name.is_empty() || self.name.contains(';') || self.members.is_empty() {
            return refuse("needs a name without semicolon, and members");
        }
        match &self.shares {
            Shares::Fixed(weights) if !positive(weights) => refuse("needs one weight above 0 for each member"),
            Shares::Soc { soc, capacity_wh, .. } if soc.len() != self.members.len() || !positive(capacity_wh) => {
                refuse("needs one state of charge and one capacity above 0 for each member")
            }
            Shares::Soc { minimum_pct, maximum_pct, .. }
                if minimum_pct.partial_cmp(maximum_pct) != Some(std::cmp::Ordering::Less) =>
            {
                refuse("needs minimum_pct < maximum_pct")
            }
            _ => Ok(()),
        }
    }
}
