//! A producer's stream that breaks before its answers have come. The server is scripted; the gRPC is real.

use std::{pin::Pin, sync::Mutex, time::Duration};

use contracts::delivery::v1::{
    self as pb,
    deliver_request::Message,
    deliver_response::Answer,
    delivery_service_server::{DeliveryService, DeliveryServiceServer},
};
use sluice::{
    client::Servers,
    send::stream::{Stream, Summary},
};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming, transport::Server};

const DESTINATION: &str = "workspaces/default/destinations/crm";
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes the first stream's updates, has them durable up to a sequence, and breaks off before it answers.
/// Behaves on every later stream: refuses what is malformed, and ends when the producer does.
struct Forgetful {
    is_first: Mutex<bool>,
    durable_through: u64,
}

type Answers = Pin<Box<dyn futures::Stream<Item = Result<pb::DeliverResponse, Status>> + Send>>;

#[tonic::async_trait]
impl DeliveryService for Forgetful {
    type DeliverStream = Answers;

    async fn deliver(
        &self,
        request: Request<Streaming<pb::DeliverRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let is_first = std::mem::replace(&mut *self.is_first.lock().expect("nothing panics"), false);
        let durable_through = self.durable_through;
        let (answers, receiver) = mpsc::channel(16);
        tokio::spawn(async move {
            let last_accepted_sequence = if is_first { 0 } else { durable_through };
            let opened = Answer::Opened(pb::Opened {
                last_accepted_sequence,
            });
            answer(&answers, opened).await;
            let mut requests = request.into_inner();
            while let Ok(Some(request)) = requests.message().await {
                let Some(Message::Batch(batch)) = request.message else {
                    continue;
                };
                if is_first {
                    // It is gone; whether the producer is told has no say.
                    let _ = answers.send(Err(Status::unavailable("gone"))).await;
                    return;
                }
                let through = batch.updates.iter().map(|update| update.sequence).max();
                for update in batch.updates {
                    if !update.json_document.starts_with(b"{") {
                        let invalid = pb::InvalidUpdate {
                            sequence: update.sequence,
                            ..Default::default()
                        };
                        answer(&answers, Answer::Invalid(invalid)).await;
                    }
                }
                answer(&answers, Answer::AnsweredThrough(through.unwrap_or_default())).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

async fn answer(answers: &mpsc::Sender<Result<pb::DeliverResponse, Status>>, answer: Answer) {
    let response = pb::DeliverResponse { answer: Some(answer) };
    answers.send(Ok(response)).await.expect("the producer listens");
}

/// Sends these documents, in one batch, to a server that breaks off when it has them.
async fn send(documents: &[&str], durable_through: u64) -> anyhow::Result<Summary> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = format!("http://{}", listener.local_addr()?);
    let service = DeliveryServiceServer::new(Forgetful {
        is_first: Mutex::new(true),
        durable_through,
    });
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    let updates = (1..)
        .zip(documents)
        .map(|(sequence, document)| pb::ProfileUpdate {
            sequence,
            json_document: document.as_bytes().to_vec(),
            ..Default::default()
        })
        .collect();
    let (batches, receiver) = mpsc::channel(1);
    batches
        .send(pb::UpdateBatch {
            target: Some(pb::update_batch::Target::Destination(DESTINATION.to_owned())),
            updates,
        })
        .await?;
    drop(batches);
    let stream = Stream {
        servers: Servers::new(&server, &server, &server, "default")?,
        producer: "test".to_owned(),
        patience: PATIENCE,
    };
    timeout(PATIENCE, stream.send(receiver, |_| {})).await?
}

#[tokio::test]
async fn a_sender_whose_last_answer_was_lost_learns_it_when_it_is_back_and_ends() {
    let summary = send(&["{}", "{}"], 2).await.unwrap();

    assert_eq!((summary.accepted, summary.refused.len()), (2, 0));
}

#[tokio::test]
async fn what_was_not_durable_when_the_stream_broke_is_sent_again() {
    let summary = send(&["{}", "{}"], 1).await.unwrap();

    assert_eq!((summary.accepted, summary.refused.len()), (2, 0));
}

#[tokio::test]
async fn a_refusal_that_was_lost_with_the_stream_is_not_taken_for_an_acceptance() {
    // The second update is durable, so the new stream opens behind both; the first one is not kept anywhere.
    let summary = send(&["this is no JSON", "{}"], 2).await.unwrap();

    let refused: Vec<u64> = summary.refused.iter().map(|invalid| invalid.sequence).collect();
    assert_eq!((summary.accepted, refused), (1, vec![1]));
}
