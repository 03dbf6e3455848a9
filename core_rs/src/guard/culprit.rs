//! Which shared limit moved a value: the reason that its decision tells.

use crate::guard::Role;
use crate::guard::connection::{Connection, Member};
use crate::guard::joint::{Joint, Scene};
use crate::image::Reader;

#[allow(clippy::indexing_slicing, reason = "all vectors hold one value an actuator")]
impl Joint {
    // The first limit that holds just so and asks for this movement; else the first that the actuator stands in.
    pub(super) fn culprit(&self, scene: &Scene<'_>, actuator: usize, up: bool) -> Option<usize> {
        let (mut first, mut found) = (None, None);
        for connection in scene.connections {
            for member in connection.members.iter().filter(|member| member.actuator == actuator) {
                let rises = up == (member.effect() > 0.0);
                first = first.or(Some(connection.told_by(rises)));
                if self.tight(scene, connection, rises) {
                    found = found.or(Some(connection.told_by(rises)));
                }
            }
        }
        for cap in scene.caps.iter().filter(|cap| cap.members.contains(&actuator)) {
            first = first.or(Some(cap.number));
            let sum: f64 = cap.members.iter().map(|&member| self.decided[member]).sum();
            let slack = if up { sum - cap.lower } else { cap.upper - sum };
            if slack <= 1e-6 * sum.abs().max(1.0) {
                found = found.or(Some(cap.number));
            }
        }
        found.or(first)
    }

    fn tight(&self, scene: &Scene<'_>, connection: &Connection, rises: bool) -> bool {
        let Some((least_w, most_w)) = connection.range else {
            return !rises;
        };
        let side = if rises { Role::Load } else { Role::Generation };
        let sum = connection.members.iter().map(|member| self.power_w(member, scene.reader, side)).sum::<f64>();
        let slack = if rises { sum - least_w } else { most_w - sum };
        slack <= 1e-6 * sum.abs().max(1.0)
    }

    // What a member brings, as the row of that side counts it.
    fn power_w(&self, member: &Member, reader: &Reader<'_>, side: Role) -> f64 {
        let (decided, counted) = (self.decided[member.actuator], self.counted[member.actuator]);
        match member.role.is_limit() {
            true if member.role == side => member.effect() * decided.min(counted),
            true => member.effect() * member.used(reader).max(0.0).min(counted),
            false => member.effect() * decided,
        }
    }
}
