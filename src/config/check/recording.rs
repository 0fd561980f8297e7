//! Which calls are recorded, and where recordings are kept.

use crate::config::problem::Problem;
use crate::id::QueueName;

use super::Check;

impl Check<'_> {
    pub(super) fn recording(&mut self) {
        let settings = self.settings;
        let recording = &settings.recording;
        for queue in recording.queues.keys().filter(|queue| !settings.queues.contains_key(*queue)) {
            let known = settings.queues.keys().map(QueueName::as_str);
            self.no_such(&["recording", "queue", queue.as_str()], "queue", queue.as_str(), known);
        }
        self.not_zero(
            &["recording", "buffer_mib"],
            "recording.buffer_mib",
            u64::from(recording.buffer_mib),
        );
        let store = &recording.store;
        if store.bucket.is_some() && store.folder.is_some() {
            self.error(&["recording", "store", "bucket"], Problem::TwoStores);
        }
        if recording.is_on() && recording.key_file.is_none() {
            self.warning(&["recording"], Problem::PlainRecordings);
        }
    }
}
