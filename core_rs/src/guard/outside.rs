//! What somebody outside the site asks of it, as configured; and what of it is shown as channels.
//!
//! `site/external_import_state`, `site/external_export_state` (0 none, 1 given, 2 held, 3 failsafe), and of dimming
//! `site/dimming_state` (0 released, 1 contact, 2 value, 3 not known), `site/dimming_limit_w`, `site/dimming_power_w`,
//! each where the image has it.

use crate::clock::seconds_to_ns;
use crate::error::{Error, Result, finite};
use crate::guard::Guards;
use crate::guard::connection::{Bound, Connection};
use crate::guard::dimming::{Consumer, Contact, Dimmed, Draw};
use crate::guard::external::{External, ExternalLimit, Failsafe};
use crate::image::Image;

/// Longest time that a missing value may be waited for, s.
const LONGEST_S: f64 = 7.0 * 86_400.0;

/// A limit that comes by a channel, W.
#[derive(Clone, Debug, PartialEq)]
pub struct OutsideLimit {
    /// Channel of the limit.
    pub channel: String,
    /// What stands in for it.
    pub failsafe: Option<Failsafe>,
}

/// Outside limits at a connection that a grid guard holds already.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalSpec {
    /// Channel of the meter's power, as the grid guard names it.
    pub grid: String,
    /// Of import.
    pub import: Option<OutsideLimit>,
    /// Of export.
    pub export: Option<OutsideLimit>,
}

/// A contact that asks for dimming.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactSpec {
    /// A bool channel.
    pub channel: String,
    /// The value that asks.
    pub active_when: bool,
    /// Not valid for this long counts as asked, s.
    pub unknown_after_s: f64,
}

/// What controllable devices may draw from the grid together.
#[derive(Clone, Debug, PartialEq)]
pub struct DimmingSpec {
    /// Actuators of the devices that are commanded.
    pub actuators: Vec<String>,
    /// Their readings in W, same order.
    pub measured: Vec<String>,
    /// As of the grid's guard; empty: 1 each.
    pub gains: Vec<f64>,
    /// What is left in any case, W.
    pub least_limit_w: f64,
    /// Who asks.
    pub contacts: Vec<ContactSpec>,
    /// A limit told as a value.
    pub value: Option<OutsideLimit>,
    /// Channel of the power, and rated power in W, of devices that are not commanded here.
    pub consumers: Vec<(String, f64)>,
    /// Channels of powers that offset, W.
    pub sources: Vec<String>,
}

impl OutsideLimit {
    fn validate(&self) -> Result<()> {
        let Some(failsafe) = self.failsafe else { return Ok(()) };
        if finite("failsafe_w", failsafe.limit_w)? < 0.0 {
            return Err(Error::invalid(format!("failsafe_w must be 0 or more, not {}", failsafe.limit_w)));
        }
        waits("failsafe_after_s", failsafe.after_s)
    }

    fn resolve(&self, image: &Image) -> Result<ExternalLimit> {
        let failsafe = self.failsafe.map(|failsafe| (failsafe.limit_w, seconds_to_ns(failsafe.after_s)));
        Ok(ExternalLimit::new(image.handle(&self.channel)?, failsafe))
    }
}

impl ExternalSpec {
    /// Refuses what makes no sense.
    pub fn validate(&self) -> Result<()> {
        if self.import.is_none() && self.export.is_none() {
            return Err(Error::invalid("needs the channel of an import or an export limit"));
        }
        self.import.iter().chain(&self.export).try_for_each(OutsideLimit::validate)
    }
}

impl DimmingSpec {
    /// Refuses what makes no sense.
    pub fn validate(&self) -> Result<()> {
        if self.contacts.is_empty() && self.value.is_none() {
            return Err(Error::invalid("needs a contact or a value that asks for it"));
        }
        if self.actuators.len() != self.measured.len() || (self.actuators.is_empty() && self.consumers.is_empty()) {
            return Err(Error::invalid("needs devices, and one measured channel for each actuator"));
        }
        if !(self.gains.is_empty() || self.gains.len() == self.actuators.len()) {
            return Err(Error::invalid("needs one gain for each actuator, or none"));
        }
        for (name, value) in
            self.consumers.iter().map(|one| ("rated_w", one.1)).chain([("limit_w", self.least_limit_w)])
        {
            if finite(name, value)? < 0.0 {
                return Err(Error::invalid(format!("{name} must be 0 or more, not {value}")));
            }
        }
        self.contacts.iter().try_for_each(|contact| waits("unknown_after_s", contact.unknown_after_s))?;
        self.value.iter().try_for_each(OutsideLimit::validate)
    }
}

fn waits(name: &str, seconds: f64) -> Result<()> {
    if (0.0..=LONGEST_S).contains(&seconds) {
        return Ok(());
    }
    Err(Error::invalid(format!("{name} must be 0 to {LONGEST_S}, not {seconds}")))
}

/// What becomes a channel.
#[derive(Clone, Copy, Debug)]
enum Show {
    Import,
    Export,
    Dimmed,
    DimmingLimit,
    Drawn,
}

const SHOWN: [(&str, Show); 5] = [
    ("site/external_import_state", Show::Import),
    ("site/external_export_state", Show::Export),
    ("site/dimming_state", Show::Dimmed),
    ("site/dimming_limit_w", Show::DimmingLimit),
    ("site/dimming_power_w", Show::Drawn),
];

/// Handles of the channels that the image has.
#[derive(Debug, Default)]
pub(crate) struct Shown(Vec<(usize, Show)>);

impl Shown {
    pub(crate) fn find(image: &Image) -> Self {
        Self(SHOWN.iter().filter_map(|(address, show)| Some((image.find(address)?, *show))).collect())
    }
}

impl Show {
    fn of(self, connection: &Connection) -> Option<f64> {
        let standing = |limit: &Option<ExternalLimit>| limit.as_ref().map(|limit| f64::from(limit.standing as u8));
        match (self, &connection.bound) {
            (Self::Import, Bound::Site { .. }) => standing(&connection.external.as_ref()?.import),
            (Self::Export, Bound::Site { .. }) => standing(&connection.external.as_ref()?.export),
            (Self::Dimmed, Bound::Draw(draw)) => Some(f64::from(draw.dimmed as u8)),
            (Self::DimmingLimit, Bound::Draw(draw)) => Some(draw.limit_w),
            (Self::Drawn, Bound::Draw(draw)) => Some(draw.drawn_w),
            _ => None,
        }
    }
}

impl Guards {
    /// What somebody outside asks, and how it stands, become channels.
    pub(crate) fn publish(&self, image: &Image, time_ns: i64) {
        for (handle, show) in &self.shown.0 {
            if let Some(value) = self.connections.iter().find_map(|connection| show.of(connection)) {
                // A slot kept busy by somebody else keeps its value until the next cycle.
                image.publish_bounded(*handle, value, time_ns);
            }
        }
    }

    /// Joins the grid guard of the same meter.
    pub(super) fn add_external(&mut self, number: usize, spec: &ExternalSpec, image: &Image) -> Result<()> {
        let meter = image.handle(&spec.grid)?;
        let resolve = |limit: &Option<OutsideLimit>| limit.as_ref().map(|limit| limit.resolve(image)).transpose();
        let external = External { number, import: resolve(&spec.import)?, export: resolve(&spec.export)? };
        let site = |one: &&mut Connection| one.meter == meter && matches!(one.bound, Bound::Site { .. });
        match self.connections.iter_mut().find(site) {
            Some(connection) if connection.external.is_none() => connection.external = Some(external),
            Some(_) => return Err(Error::invalid("its meter has outside limits already")),
            None => return Err(Error::invalid("needs a grid guard of the same meter before it")),
        }
        Ok(())
    }
}

/// The limit of a dimming guard, with handles.
pub(super) fn draw(spec: &DimmingSpec, image: &Image) -> Result<Bound> {
    let contact = |contact: &ContactSpec| -> Result<Contact> {
        let after_ns = seconds_to_ns(contact.unknown_after_s);
        Ok(Contact::new(image.handle(&contact.channel)?, contact.active_when, after_ns))
    };
    let consumer = |(measured, rated_w): &(String, f64)| -> Result<Consumer> {
        Ok(Consumer { measured: image.handle(measured)?, rated_w: *rated_w })
    };
    Ok(Bound::Draw(Draw {
        contacts: spec.contacts.iter().map(contact).collect::<Result<_>>()?,
        value: spec.value.as_ref().map(|limit| limit.resolve(image)).transpose()?,
        least_limit_w: spec.least_limit_w,
        consumers: spec.consumers.iter().map(consumer).collect::<Result<_>>()?,
        sources: spec.sources.iter().map(|source| image.handle(source)).collect::<Result<_>>()?,
        dimmed: Dimmed::Released,
        limit_w: spec.least_limit_w,
        drawn_w: 0.0,
    }))
}
