//! What a fault does to the actuators, by mode.

use crate::arbitrate::{Mover, Outcome};
use crate::error::{Error, Result};
use crate::guard::{Guards, Rated, Role};
use crate::states::Mode;

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// It is only told.
    Alarm,
    /// Its actuators take no power.
    BlockCharge,
    /// Its actuators give no power.
    BlockDischarge,
    /// Its actuators stand at 0.
    ZeroPower,
    /// Every actuator stands at 0.
    Stop,
    /// Loads are shed (to 0) and generation is curtailed (to its minimum); the storage, which holds the island, goes on.
    ShedAndCurtail,
}

impl Reaction {
    const ALL: [(&'static str, Self); 6] = [
        ("alarm", Self::Alarm),
        ("block_charge", Self::BlockCharge),
        ("block_discharge", Self::BlockDischarge),
        ("zero_power", Self::ZeroPower),
        ("stop", Self::Stop),
        ("shed_and_curtail", Self::ShedAndCurtail),
    ];

    /// The reaction of this name.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find_map(|(known, reaction)| (known == name).then_some(reaction)).ok_or_else(|| {
            Error::invalid(format!("{name:?} is no reaction; use one of {}", Self::ALL.map(|r| r.0).join(", ")))
        })
    }

    /// What is done in this mode: in ISLAND a battery at zero power would black out the site.
    pub fn in_mode(self, mode: Mode) -> Self {
        match (self, mode) {
            (Self::ZeroPower, Mode::Island) => Self::ShedAndCurtail,
            (reaction, _) => reaction,
        }
    }

    /// What it blocks of an actuator.
    pub fn block(self) -> Block {
        match self {
            Self::Alarm | Self::ShedAndCurtail => Block::NONE,
            Self::BlockCharge => Block { charge: true, discharge: false },
            Self::BlockDischarge => Block { charge: false, discharge: true },
            Self::ZeroPower | Self::Stop => Block::BOTH,
        }
    }
}

/// The directions of an actuator that nothing may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Below 0 is blocked.
    pub charge: bool,
    /// Above 0 is blocked.
    pub discharge: bool,
}

impl Block {
    /// Nothing is blocked.
    pub const NONE: Self = Self { charge: false, discharge: false };
    /// It stands at 0.
    pub const BOTH: Self = Self { charge: true, discharge: true };

    /// What either blocks.
    pub fn and(self, other: Self) -> Self {
        Self { charge: self.charge || other.charge, discharge: self.discharge || other.discharge }
    }

    /// A rating narrowed by the block; it still holds 0 when it did, else its point nearest to 0.
    fn narrowed(self, rated: Rated) -> Rated {
        let nearest = 0.0_f64.max(rated.minimum).min(rated.maximum);
        let (below, above) = self.sides(rated.role);
        Rated {
            minimum: if below { rated.minimum.max(nearest) } else { rated.minimum },
            maximum: if above { rated.maximum.min(nearest) } else { rated.maximum },
            ..rated
        }
    }

    // Below and above 0, as the role means them: what a load takes stands above 0; reactive power has no such direction.
    fn sides(self, role: Role) -> (bool, bool) {
        match role {
            Role::Storage | Role::Generation => (self.charge, self.discharge),
            Role::Load => (false, self.charge),
            Role::Reactive | Role::Group | Role::Switch => {
                (self.charge && self.discharge, self.charge && self.discharge)
            }
            Role::Request => (false, false),
        }
    }

    // The guards took the narrowed rating for the actuator's own: say what it was.
    fn tell(self, own: &Rated, relief: bool, outcome: &mut Outcome) {
        let blocked = outcome.value == 0.0 && (self.charge || self.discharge);
        let stands = blocked || (relief && own.role.is_limit() && outcome.value == own.minimum);
        if stands && outcome.bound == Some(Mover::Rating) {
            outcome.bound = Some(Mover::Fault);
        }
    }
}

// Relief of an island: what gives or takes beside the storage stands at its least.
fn relieved(rated: Rated) -> Rated {
    if rated.role.is_limit() { Rated { maximum: rated.minimum, ..rated } } else { rated }
}

/// Lays the blocks on the guards, so that every later step of them knows: nothing is asked of a blocked direction.
pub(crate) fn lay(blocks: &[Block], own: &[Rated], relief: bool, guards: &mut Guards) {
    for ((block, own), rated) in blocks.iter().zip(own).zip(&mut guards.rated) {
        let own = if relief { relieved(*own) } else { *own };
        *rated = block.narrowed(own);
    }
}

/// Names the fault as the reason where a block, or the relief of an island, moved a value.
pub(crate) fn tell(blocks: &[Block], own: &[Rated], relief: bool, outcomes: &mut [Outcome]) {
    for ((block, own), outcome) in blocks.iter().zip(own).zip(outcomes) {
        block.tell(own, relief, outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_direction_means_what_the_role_does() {
        let block = |reaction: Reaction, role| {
            let rated = Rated { role, ..Rated::storage(if role == Role::Load { 0.0 } else { -9.0 }, 9.0, None) };
            let narrowed = reaction.block().narrowed(rated);
            (narrowed.minimum, narrowed.maximum)
        };
        assert_eq!(block(Reaction::BlockCharge, Role::Storage), (0.0, 9.0));
        assert_eq!(block(Reaction::BlockDischarge, Role::Storage), (-9.0, 0.0));
        assert_eq!(block(Reaction::BlockCharge, Role::Load), (0.0, 0.0));
        assert_eq!(block(Reaction::BlockDischarge, Role::Load), (0.0, 9.0));
        assert_eq!(block(Reaction::BlockDischarge, Role::Reactive), (-9.0, 9.0));
        assert_eq!(block(Reaction::ZeroPower, Role::Reactive), (0.0, 0.0));
        assert_eq!(block(Reaction::Stop, Role::Switch), (0.0, 0.0));
        assert_eq!(block(Reaction::BlockCharge, Role::Switch), (-9.0, 9.0));
        assert_eq!(block(Reaction::Stop, Role::Request), (-9.0, 9.0));
    }
}
