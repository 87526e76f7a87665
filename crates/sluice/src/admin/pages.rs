//! Lists that come in pages.

use tonic::Status;

/// Reads a list to its end. The function reads the page of a token, and returns
/// the next token with its rows; the last one is empty.
pub(super) async fn all<T>(
    mut page: impl AsyncFnMut(String) -> Result<(Vec<T>, String), Status>,
) -> Result<Vec<T>, Status> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let (rows, next) = page(page_token).await?;
        all.extend(rows);
        if next.is_empty() {
            return Ok(all);
        }
        page_token = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pages_are_read_until_there_is_no_next() {
        let pages = async |token: String| {
            let rows = match token.as_str() {
                "" => (vec![1, 2], "a".to_owned()),
                "a" => (vec![], "b".to_owned()),
                "b" => (vec![3], String::new()),
                other => return Err(Status::invalid_argument(other)),
            };
            Ok(rows)
        };
        assert_eq!(all(pages).await.unwrap(), [1, 2, 3]);
    }
}
