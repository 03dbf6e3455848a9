//! What a connection asks of the actuators behind it, as rows of a split.

use crate::arbitrate::split::Split;
use crate::guard::Role;
use crate::guard::connection::{Connection, Member};
use crate::guard::joint::Scene;

// How far an actuator may stand from 0.
fn extent(scene: &Scene<'_>, actuator: usize) -> f64 {
    scene.limits.get(actuator).map_or(0.0, |limits| limits.lower.abs().max(limits.upper.abs()))
}

// What lies far beyond all that can be done pulls no harder than what lies a little beyond it: an absurd reading of one
// phase would drown the others in its own rounding.
fn within(limit_w: f64, reach_w: f64) -> f64 {
    if limit_w.is_finite() { limit_w.clamp(-2.0 * reach_w, 2.0 * reach_w) } else { limit_w }
}

// One row for import (loads can give way), one for export (generation can): what cannot give way stands as read.
pub(super) fn add_rows(split: &mut Split, connection: &Connection, scene: &Scene<'_>, counted: &[f64]) {
    let reader = scene.reader;
    let row = |split: &mut Split, side: Role, least_w: f64, most_w: f64| {
        let moves = |member: &&Member| !member.role.is_limit() || member.role == side;
        let stands = |member: &Member| {
            let most = counted.get(member.actuator).copied().unwrap_or(0.0);
            member.effect() * member.used(reader).max(0.0).min(most)
        };
        let fixed_w: f64 = connection.members.iter().filter(|member| !moves(member)).map(stands).sum();
        let moving = || connection.members.iter().filter(moves).map(|member| (member.actuator, member.effect()));
        let reach_w = moving().map(|(actuator, effect)| effect.abs() * extent(scene, actuator)).sum();
        split.row(moving(), within(least_w - fixed_w, reach_w), within(most_w - fixed_w, reach_w));
    };
    match connection.range {
        Some((least_w, most_w)) => {
            row(split, Role::Load, least_w, f64::INFINITY);
            row(split, Role::Generation, f64::NEG_INFINITY, most_w);
        }
        None => {
            let generation = connection.members.iter().filter(|member| member.role == Role::Generation);
            let most_w = connection.blind_export_w();
            split.row(generation.map(|member| (member.actuator, member.effect())), f64::NEG_INFINITY, most_w);
        }
    }
}
