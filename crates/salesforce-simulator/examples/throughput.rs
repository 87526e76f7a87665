//! How many records a second the simulator takes on one core, what each costs, and what it keeps in memory.
//!
//! ```text
//! cargo run --release -p salesforce-simulator --example throughput [-- records-per-round [rounds [least]]]
//! ```
//!
//! It ends badly if the best round takes fewer than `least` records a second.
//!
//! The simulator runs on a thread of its own; this thread sends collections updates of 200 records with six
//! fields each, made beforehand, over four keep-alive connections, and reads the answers.
#![expect(clippy::print_stdout, reason = "this is a program for people")]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use salesforce_simulator::{Clock, Settings, Simulator, record_id};
use serde_json::{Value, json};

/// As in the program that serves the simulator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HOST: &str = "bench.my.salesforce.com";
const RECORDS_PER_CALL: u64 = 200;
/// Contacts that are updated in turn, once with these values and once with others.
const CONTACTS: u64 = 100_000;
/// Contacts more, to measure what one takes.
const MORE_CONTACTS: u64 = 200_000;
const CONTACTS_PER_SEED: u64 = 1_000;
const CONNECTIONS: usize = 4;

/// The thread of the simulator.
struct Server {
    address: SocketAddr,
    /// Of this thread below `/proc`.
    proc: PathBuf,
    _stop: Sender<()>,
}

/// One keep-alive connection.
struct Connection {
    stream: BufReader<TcpStream>,
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| {
        argument
            .replace('_', "")
            .parse::<u64>()
            .map_err(|_| io::Error::other(format!("{argument} is no whole number")))
    });
    let records = arguments.next().unwrap_or(Ok(2_000_000))?;
    let rounds = arguments.next().unwrap_or(Ok(3))?;
    let least = arguments.next().unwrap_or(Ok(0))?;

    let server = Server::start()?;
    let mut admin = Connection::open(server.address)?;
    create_org(&mut admin)?;
    seed(&mut admin, 1..=CONTACTS)?;
    let before = resident_bytes()?;
    seed(&mut admin, CONTACTS + 1..=CONTACTS + MORE_CONTACTS)?;
    let grown = resident_bytes()?.saturating_sub(before);
    println!("memory: {} bytes a record", grown / MORE_CONTACTS);

    let token = log_in(&mut admin)?;
    let requests: Vec<Vec<u8>> = [0, 1]
        .into_iter()
        .flat_map(|variant| {
            let token = &token;
            (1..=CONTACTS)
                .step_by(200)
                .map(move |first| update(token, first, variant))
        })
        .collect();

    let calls = usize::try_from(records / RECORDS_PER_CALL).unwrap_or(usize::MAX);
    let mut best = Duration::MAX;
    for round in 1..=rounds {
        let cpu = server.cpu()?;
        let start = Instant::now();
        send(server.address, requests.iter().cycle().take(calls))?;
        let took = start.elapsed();
        let cpu = server.cpu()?.saturating_sub(cpu);
        best = best.min(took);
        println!(
            "round {round}: {:.0} records/s; {:.2} CPU-seconds of the simulator per million records",
            per_second(records, took),
            cpu.as_secs_f64() * 1e6 / as_float(records),
        );
    }
    let best = per_second(records, best);
    println!("best: {best:.0} records/s");
    if best < as_float(least) {
        return Err(io::Error::other(format!(
            "the best round took {best:.0} records/s, which is less than {least}"
        )));
    }
    Ok(())
}

impl Server {
    fn start() -> io::Result<Self> {
        let (started, start) = channel();
        let (stop, stopped) = channel::<()>();
        thread::spawn(move || {
            let proc = fs::read_link("/proc/thread-self").map(|path| Path::new("/proc").join(path));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let simulator = Simulator::start(Settings {
                    listen: SocketAddr::from(([127, 0, 0, 1], 0)),
                    clock: clock(),
                    sample_org: false,
                })
                .await
                .map_err(io::Error::other)?;
                started
                    .send((simulator.address(), proc?))
                    .map_err(io::Error::other)?;
                // Ends with the program, or with the other thread's end of the channel.
                let ended = tokio::task::spawn_blocking(move || stopped.recv().is_err()).await;
                ended.map(drop).map_err(io::Error::other)
            })
        });
        let (address, proc) = start.recv().map_err(io::Error::other)?;
        Ok(Self {
            address,
            proc,
            _stop: stop,
        })
    }

    /// Returns the processor time that the thread has used.
    fn cpu(&self) -> io::Result<Duration> {
        let schedstat = fs::read_to_string(self.proc.join("schedstat"))?;
        let nanos = schedstat.split(' ').next().and_then(|nanos| nanos.parse().ok());
        nanos
            .map(Duration::from_nanos)
            .ok_or_else(|| io::Error::other("schedstat is not understood"))
    }
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
        })
    }

    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(request)
    }

    /// Reads one answer and returns its body; anything but a success is an error.
    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        if status.starts_with("HTTP/1.1 2") {
            Ok(body)
        } else {
            Err(io::Error::other(format!(
                "{status}{}",
                String::from_utf8_lossy(&body)
            )))
        }
    }

    fn exchange(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.send(request)?;
        self.receive()
    }
}

/// Sends requests in order, over all connections in turn.
fn send<'a>(address: SocketAddr, requests: impl Iterator<Item = &'a Vec<u8>>) -> io::Result<()> {
    let mut connections = (0..CONNECTIONS)
        .map(|_| Connection::open(address))
        .collect::<io::Result<Vec<_>>>()?;
    let mut sent = 0_usize;
    for request in requests {
        let connection = &mut connections[sent % CONNECTIONS];
        if sent >= CONNECTIONS {
            check(&connection.receive()?)?;
        }
        connection.send(request)?;
        sent += 1;
    }
    for turn in sent.saturating_sub(CONNECTIONS)..sent {
        check(&connections[turn % CONNECTIONS].receive()?)?;
    }
    Ok(())
}

/// Fails unless every record was written.
fn check(answer: &[u8]) -> io::Result<()> {
    const REFUSED: &[u8] = b"\"success\":false";
    if answer.windows(REFUSED.len()).any(|window| window == REFUSED) {
        return Err(io::Error::other("a record was refused"));
    }
    Ok(())
}

fn create_org(admin: &mut Connection) -> io::Result<()> {
    let org = json!({
        "host": HOST,
        "history": false,
        "daily_request_limit": 1_000_000_000,
        "apps": [{"client_id": "bench", "client_secret": "bench", "run_as": "bench@acme.example"}],
    });
    admin.exchange(&post("/simulator/orgs", "application/json", "", &org.to_string()))?;
    let field = json!({"object": "Contact", "name": "crm_2_seg__c", "type": "textarea", "length": 32_768});
    let path = format!("/simulator/orgs/{HOST}/fields");
    admin.exchange(&post(&path, "application/json", "", &field.to_string()))?;
    Ok(())
}

fn seed(admin: &mut Connection, numbers: std::ops::RangeInclusive<u64>) -> io::Result<()> {
    let path = format!("/simulator/orgs/{HOST}/records/Contact");
    let (first, last) = numbers.into_inner();
    for begin in (first..=last).step_by(1_000) {
        let end = last.min(begin + CONTACTS_PER_SEED - 1);
        let contacts: Value = (begin..=end).map(|number| contact(number, 0)).collect();
        admin.exchange(&post(&path, "application/json", "", &contacts.to_string()))?;
    }
    Ok(())
}

fn log_in(admin: &mut Connection) -> io::Result<String> {
    let form = "grant_type=client_credentials&client_id=bench&client_secret=bench";
    let answer = admin.exchange(&post(
        "/services/oauth2/token",
        "application/x-www-form-urlencoded",
        "",
        form,
    ))?;
    let answer: Value = serde_json::from_slice(&answer)?;
    answer["access_token"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other("the login has no token"))
}

/// Returns a whole request that updates 200 Contacts.
fn update(token: &str, first: u64, variant: u64) -> Vec<u8> {
    let records: Vec<Value> = (first..first + RECORDS_PER_CALL)
        .map(|number| {
            let mut record = json!({"attributes": {"type": "Contact"}, "id": record_id("003", number)});
            if let (Some(record), Value::Object(fields)) = (record.as_object_mut(), contact(number, variant))
            {
                record.extend(fields.into_iter().filter(|(name, _)| name != "Id"));
            }
            record
        })
        .collect();
    let body = json!({"allOrNone": false, "records": records}).to_string();
    let headers = format!("Authorization: Bearer {token}\r\n");
    let request = post(
        "/services/data/v67.0/composite/sobjects",
        "application/json",
        &headers,
        &body,
    );
    let mut patch = b"PATCH".to_vec();
    patch.extend_from_slice(&request["POST".len()..]);
    patch
}

fn contact(number: u64, variant: u64) -> Value {
    json!({
        "Id": record_id("003", number),
        "FirstName": format!("First{variant}"),
        "LastName": format!("Last {number}"),
        "Email": format!("person.{number}.{variant}@example.com"),
        "Title": "Head of Operations",
        "Phone": format!("+49 30 {number:08}"),
        "crm_2_seg__c": if variant == 0 { "realized" } else { "exited" },
    })
}

fn post(path: &str, content_type: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {content_type}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Returns a clock that begins at a fixed time and runs on.
fn clock() -> Clock {
    let begun = Instant::now();
    Clock::new(move || {
        let elapsed = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        DateTime::<Utc>::from_timestamp_millis(1_790_000_000_000_i64.saturating_add(elapsed))
            .unwrap_or_default()
    })
}

fn resident_bytes() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|size| size.trim().strip_suffix("kB"))
        .and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok())
        .map(|kilobytes| kilobytes * 1_024)
        .ok_or_else(|| io::Error::other("/proc/self/status is not understood"))
}

fn per_second(records: u64, took: Duration) -> f64 {
    as_float(records) / took.as_secs_f64()
}

/// Exact for every number of records that is ever sent.
fn as_float(records: u64) -> f64 {
    f64::from(u32::try_from(records).unwrap_or(u32::MAX))
}
