//! What the services share, from outside: one SQL text on both databases, and calls between services.

#[cfg(test)]
mod database;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod migrations;
#[cfg(test)]
#[path = "../shared/place.rs"]
mod place;
#[cfg(test)]
mod tls;
