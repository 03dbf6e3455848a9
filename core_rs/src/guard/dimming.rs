//! External dimming (section 14a EnWG, BNetzA BK6-22-300): what controllable devices draw from the grid together, while
//! the grid operator asks for it.
//!
//! `draws - sources <= limit`: draws are the setpoints of the devices that are commanded (a battery's charge) and the
//! readings of those that are not; sources are readings of the site's own generation and of batteries beside. A source
//! that is not known brings 0, a device that is not known draws its rated power. A contact that is not valid for its
//! time counts as closed, and so it does from the start.

use crate::guard::external::{ExternalLimit, Standing};
use crate::image::Reader;

/// A contact of a ripple-control receiver, a relay or a control box.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contact {
    channel: usize,
    /// The value that asks for dimming.
    active: f64,
    unknown_after_ns: i64,
    asked: bool,
    known_ns: Option<i64>,
    unknown: bool,
}

impl Contact {
    pub(crate) fn new(channel: usize, active_when: bool, unknown_after_ns: i64) -> Self {
        let active = f64::from(u8::from(active_when));
        Self { channel, active, unknown_after_ns, asked: false, known_ns: None, unknown: false }
    }

    fn look(&mut self, reader: &Reader<'_>) {
        let (now_ns, value) = (reader.time_ns(), reader.value(self.channel));
        if !value.is_nan() {
            (self.asked, self.known_ns) = (value == self.active, Some(now_ns));
        }
        let silent_ns = now_ns.saturating_sub(*self.known_ns.get_or_insert(now_ns));
        self.unknown = value.is_nan() && silent_ns >= self.unknown_after_ns;
    }
}

/// A device that is dimmed by others than this cycle: its reading counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Consumer {
    pub(crate) measured: usize,
    pub(crate) rated_w: f64,
}

/// Why dimming is in force; the number is what its channel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimmed {
    Released = 0,
    Contact = 1,
    Value = 2,
    Unknown = 3,
}

/// The limit and what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    pub(crate) contacts: Vec<Contact>,
    /// A limit that is told as a value; never below the least.
    pub(crate) value: Option<ExternalLimit>,
    /// What the law leaves, W (Pmin).
    pub(crate) least_limit_w: f64,
    pub(crate) consumers: Vec<Consumer>,
    pub(crate) sources: Vec<usize>,
    pub(crate) dimmed: Dimmed,
    /// In force in this cycle, W; what would be in force while released.
    pub(crate) limit_w: f64,
    /// As read, W: what the devices draw from the grid.
    pub(crate) drawn_w: f64,
}

impl Draw {
    /// Smallest and largest that the members may bring together (discharge and less load count up), W.
    /// `own_w`: what they bring as read.
    pub(crate) fn range_w(&mut self, reader: &Reader<'_>, own_w: f64) -> (f64, f64) {
        self.decide(reader);
        let others_w = self.consumers_w(reader) - self.sources_w(reader);
        self.drawn_w = (others_w - own_w).max(0.0);
        match self.dimmed {
            Dimmed::Released => (f64::NEG_INFINITY, f64::INFINITY),
            _ => (others_w - self.limit_w, f64::INFINITY),
        }
    }

    // The tightest of what asks; a contact asks for the least limit.
    fn decide(&mut self, reader: &Reader<'_>) {
        self.contacts.iter_mut().for_each(|contact| contact.look(reader));
        let asked = self.contacts.iter().any(|contact| contact.asked && !contact.unknown);
        let unknown = self.contacts.iter().any(|contact| contact.unknown);
        let told = self.value.as_mut().map_or((Standing::None, f64::INFINITY), |value| {
            value.look(reader);
            (value.standing, value.limit_w)
        });
        (self.dimmed, self.limit_w) = match told {
            _ if asked => (Dimmed::Contact, self.least_limit_w),
            _ if unknown => (Dimmed::Unknown, self.least_limit_w),
            (Standing::Failsafe, limit_w) => (Dimmed::Unknown, limit_w.max(self.least_limit_w)),
            (_, limit_w) if limit_w.is_finite() => (Dimmed::Value, limit_w.max(self.least_limit_w)),
            _ => (Dimmed::Released, self.least_limit_w),
        };
    }

    fn consumers_w(&self, reader: &Reader<'_>) -> f64 {
        let of = |consumer: &Consumer| match reader.value(consumer.measured) {
            unknown if unknown.is_nan() => consumer.rated_w,
            power_w => power_w.max(0.0),
        };
        self.consumers.iter().map(of).sum()
    }

    // `max` takes the other side of a NaN: what is not known brings nothing.
    fn sources_w(&self, reader: &Reader<'_>) -> f64 {
        self.sources.iter().map(|&source| reader.value(source).max(0.0)).sum()
    }
}
