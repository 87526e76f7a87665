//! The command line against everything running and a simulated Salesforce.

#[cfg(test)]
mod one_time_login;
