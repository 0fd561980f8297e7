//! The few functions of libpocketsphinx (5prealpha, Debian's) that a decoder needs, behind a safe face.
//!
//! Why this is sound, in one place:
//! - A [`Decoder`] owns the pointer that `ps_init` gave it, which is never null, is never copied out and
//!   is freed once, in `drop`. It is `Send` and not `Sync`: the library keeps a decoder's state in the
//!   decoder, has none that decoders share but its log, which is switched off, and asks only that one
//!   thread at a time uses it. Making one is kept to one thread at a time besides.
//! - Every string that goes in is a `CString` that lives through the call; the library copies it. Every
//!   string that comes out is copied before the next call; the one that is ours to free is freed.
//! - Samples go in by pointer and length of one slice and are read during the call only.
//! - The library ends the process where its own memory runs out and nowhere else on this way: what it
//!   would complain of (words without pronunciations, unknown sounds) is asked about before.
//! - A search is replaced only while another one is the active one, since the library keeps a pointer
//!   to the active one.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_double, c_int, c_void};
use std::fs::File;
use std::io::Write as _;
use std::marker::PhantomData;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};

use nix::sys::memfd::{MFdFlags, memfd_create};

/// A type of the library's that is only ever pointed to.
#[repr(C)]
struct Opaque {
    _data: [u8; 0],
    _neither: PhantomData<(*mut u8, std::marker::PhantomPinned)>,
}

#[link(name = "pocketsphinx")]
unsafe extern "C" {
    fn ps_args() -> *const Opaque;
    fn ps_init(config: *mut Opaque) -> *mut Opaque;
    fn ps_get_config(decoder: *mut Opaque) -> *mut Opaque;
    fn ps_free(decoder: *mut Opaque) -> c_int;
    fn ps_set_jsgf_string(
        decoder: *mut Opaque,
        name: *const c_char,
        grammar: *const c_char,
    ) -> c_int;
    fn ps_set_lm_file(decoder: *mut Opaque, name: *const c_char, path: *const c_char) -> c_int;
    fn ps_set_search(decoder: *mut Opaque, name: *const c_char) -> c_int;
    fn ps_add_word(
        decoder: *mut Opaque,
        word: *const c_char,
        phones: *const c_char,
        update: c_int,
    ) -> c_int;
    fn ps_lookup_word(decoder: *mut Opaque, word: *const c_char) -> *mut c_char;
    fn ps_start_stream(decoder: *mut Opaque) -> c_int;
    fn ps_start_utt(decoder: *mut Opaque) -> c_int;
    fn ps_process_raw(
        decoder: *mut Opaque,
        samples: *const i16,
        count: usize,
        no_search: c_int,
        full_utterance: c_int,
    ) -> c_int;
    fn ps_end_utt(decoder: *mut Opaque) -> c_int;
    fn ps_get_hyp(decoder: *mut Opaque, score: *mut i32) -> *const c_char;
    fn ps_get_n_frames(decoder: *mut Opaque) -> c_int;
}

#[link(name = "sphinxbase")]
unsafe extern "C" {
    fn cmd_ln_init(
        config: *mut Opaque,
        definitions: *const Opaque,
        strict: c_int,
        ...
    ) -> *mut Opaque;
    fn cmd_ln_set_str_r(config: *mut Opaque, name: *const c_char, value: *const c_char);
    fn cmd_ln_set_float_r(config: *mut Opaque, name: *const c_char, value: c_double);
    fn cmd_ln_free_r(config: *mut Opaque) -> c_int;
    fn err_set_logfp(file: *mut c_void);
    fn err_set_callback(callback: *const c_void, data: *mut c_void);
}

unsafe extern "C" {
    fn free(memory: *mut c_void);
}

/// Decoders are made one after the other.
static MAKING: Mutex<()> = Mutex::new(());

/// The library refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

/// What an utterance was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hypothesis {
    /// Its words.
    pub(super) text: String,
    /// How well they fit, as a logarithm: comparable between searches over the same samples.
    pub(super) score: i32,
    /// Frames of 10 ms that were judged.
    pub(super) frames: u32,
}

/// A decoder: heavy to make, to be kept.
pub(super) struct Decoder(NonNull<Opaque>);

// SAFETY: see the head of the file: a decoder has no ties to the thread that made it.
unsafe impl Send for Decoder {}

impl Decoder {
    /// Makes one of an acoustic model and a dictionary.
    pub(super) fn new(model: &Path, dictionary: &Path) -> Result<Decoder, Refused> {
        let text =
            |path: &Path| CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| Refused);
        let (model, dictionary) = (text(model)?, text(dictionary)?);
        let _one = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: no callback and no file are what switches the log off. The options are strings that live on, and
        // the variable arguments end with a null as they have to. The configuration is freed once,
        // after the decoder has taken its own share of it.
        unsafe {
            err_set_logfp(ptr::null_mut());
            err_set_callback(ptr::null(), ptr::null_mut());
            let config = cmd_ln_init(ptr::null_mut(), ps_args(), 1, ptr::null::<c_char>());
            if config.is_null() {
                return Err(Refused);
            }
            cmd_ln_set_str_r(config, c"-hmm".as_ptr(), model.as_ptr());
            cmd_ln_set_str_r(config, c"-dict".as_ptr(), dictionary.as_ptr());
            let decoder = ps_init(config);
            cmd_ln_free_r(config);
            NonNull::new(decoder).map(Decoder).ok_or(Refused)
        }
    }

    /// Sets a number among the library's options, for searches that are made from now on.
    pub(super) fn set_option(&mut self, name: &CStr, value: f64) {
        // SAFETY: the configuration is the decoder's and is only borrowed; the name lives through the call,
        // and one that is unknown is complained of in the log.
        unsafe { cmd_ln_set_float_r(ps_get_config(self.0.as_ptr()), name.as_ptr(), value) }
    }

    /// Whether it knows how a word sounds.
    pub(super) fn knows(&self, word: &str) -> bool {
        let Ok(word) = CString::new(word) else { return false };
        // SAFETY: what comes back is ours, and freed once.
        unsafe {
            let sounds = ps_lookup_word(self.0.as_ptr(), word.as_ptr());
            free(sounds.cast());
            !sounds.is_null()
        }
    }

    /// Adds how a word sounds.
    pub(super) fn add_word(&mut self, word: &str, sounds: &str) -> Result<(), Refused> {
        let text = |text: &str| CString::new(text).map_err(|_| Refused);
        let (word, sounds) = (text(word)?, text(sounds)?);
        // SAFETY: both strings live through the call.
        let at = unsafe { ps_add_word(self.0.as_ptr(), word.as_ptr(), sounds.as_ptr(), 0) };
        if at < 0 { Err(Refused) } else { Ok(()) }
    }

    /// Compiles a grammar under a name, which must not be that of the active search.
    pub(super) fn set_grammar(&mut self, name: &CStr, grammar: &str) -> Result<(), Refused> {
        let grammar = CString::new(grammar).map_err(|_| Refused)?;
        // SAFETY: both strings live through the call.
        done(unsafe { ps_set_jsgf_string(self.0.as_ptr(), name.as_ptr(), grammar.as_ptr()) })
    }

    /// Takes a model of what may follow what (ARPA's format) under a name, which must not be that of the
    /// active search. The library reads files only: it gets one in memory.
    pub(super) fn set_model(&mut self, name: &CStr, arpa: &str) -> Result<(), Refused> {
        let file = memfd_create(name, MFdFlags::MFD_CLOEXEC).map_err(|_| Refused)?;
        let mut file = File::from(file);
        file.write_all(arpa.as_bytes()).map_err(|_| Refused)?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let path = CString::new(path).map_err(|_| Refused)?;
        // SAFETY: both strings live through the call.
        done(unsafe { ps_set_lm_file(self.0.as_ptr(), name.as_ptr(), path.as_ptr()) })
    }

    /// Makes a search the active one.
    pub(super) fn activate(&mut self, name: &CStr) -> Result<(), Refused> {
        // SAFETY: the string lives through the call; an unknown name is refused.
        done(unsafe { ps_set_search(self.0.as_ptr(), name.as_ptr()) })
    }

    /// Begins an utterance with the active search.
    pub(super) fn begin(&mut self) -> Result<(), Refused> {
        // SAFETY: a decoder may begin whenever no utterance is open; if one is, it refuses.
        unsafe {
            done(ps_start_stream(self.0.as_ptr()))?;
            done(ps_start_utt(self.0.as_ptr()))
        }
    }

    /// Hears all of it, at 16 kHz: once in an utterance. How loud and how coloured the line is, is measured
    /// over the whole; bit by bit it would be guessed from whom it heard before.
    pub(super) fn hear(&mut self, samples: &[i16]) -> Result<(), Refused> {
        // SAFETY: pointer and length are those of one slice.
        let frames =
            unsafe { ps_process_raw(self.0.as_ptr(), samples.as_ptr(), samples.len(), 0, 1) };
        if frames < 0 { Err(Refused) } else { Ok(()) }
    }

    /// Ends it; what it was taken for, if for anything.
    pub(super) fn end(&mut self) -> Result<Option<Hypothesis>, Refused> {
        let mut score = 0;
        // SAFETY: the score is written to a variable that lives through the call, and the text is
        // copied before the decoder is used again.
        unsafe {
            done(ps_end_utt(self.0.as_ptr()))?;
            let text = ps_get_hyp(self.0.as_ptr(), &raw mut score);
            if text.is_null() {
                return Ok(None);
            }
            let text = CStr::from_ptr(text).to_string_lossy().into_owned();
            let frames = u32::try_from(ps_get_n_frames(self.0.as_ptr())).unwrap_or(0);
            Ok(Some(Hypothesis { text, score, frames }))
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the pointer is ours and is not used again.
        unsafe { ps_free(self.0.as_ptr()) };
    }
}

fn done(result: c_int) -> Result<(), Refused> {
    if result < 0 { Err(Refused) } else { Ok(()) }
}
