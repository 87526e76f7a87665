//! Programs that run until they are told to stop.

mod data_dir;
pub mod installation;
pub(crate) mod json;
pub mod serve;
pub mod simulator;
mod stop;
pub mod up;

pub(crate) use stop::on_signal as stop_on_signal;
