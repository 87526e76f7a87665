//! How many calls the org has used, as every answer tells (§4.1).

use http::HeaderMap;

/// Header of every REST answer but the list of versions.
const LIMIT_INFO: &str = "Sforce-Limit-Info";

/// What an answer came with.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    pub value: T,
    /// None where the answer did not tell.
    pub usage: Option<ApiUsage>,
}

/// Calls of the last 24 hours by everybody who uses the org.
///
/// It lags behind and goes down between calls as often as up: never subtract
/// two of them (§0.1, 7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUsage {
    pub used: u64,
    pub max: u64,
    /// Items beside `api-usage`, in order: `per-app-api-usage`, `api-bursts`
    /// and whatever comes next.
    pub others: Vec<UsageItem>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageItem {
    pub name: String,
    pub used: u64,
    pub max: u64,
    /// What stood in parentheses, for example `appName=sample-connected-app`.
    pub detail: Option<String>,
}

impl ApiUsage {
    /// Reads the header of an answer.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(LIMIT_INFO)?.to_str().ok()?)
    }

    /// Reads the header's value, for example
    /// `api-usage=25/5000; per-app-api-usage=17/250(appName=sample)`.
    /// None without a readable `api-usage`; other items that cannot be read
    /// are left out.
    pub fn parse(text: &str) -> Option<Self> {
        let mut own = None;
        let mut others = Vec::new();
        for item in text.split(';').filter_map(UsageItem::parse) {
            if item.name == "api-usage" && own.is_none() {
                own = Some((item.used, item.max));
            } else {
                others.push(item);
            }
        }
        let (used, max) = own?;
        Some(Self { used, max, others })
    }
}

impl UsageItem {
    fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once('=')?;
        let (numbers, detail) = match rest.split_once('(') {
            Some((numbers, detail)) => (numbers, Some(detail.trim().trim_end_matches(')').to_owned())),
            None => (rest, None),
        };
        let (used, max) = numbers.split_once('/')?;
        Some(Self {
            name: name.trim().to_owned(),
            used: used.trim().parse().ok()?,
            max: max.trim().parse().ok()?,
            detail,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_recorded_forms_are_read() {
        let plain = ApiUsage::parse("api-usage=18/5000").unwrap();
        assert_eq!((plain.used, plain.max, plain.others.len()), (18, 5_000, 0));

        let per_app =
            ApiUsage::parse("api-usage=25/5000; per-app-api-usage=17/250(appName=sample-connected-app)")
                .unwrap();
        assert_eq!((per_app.used, per_app.max), (25, 5_000));
        assert_eq!(
            per_app.others,
            [UsageItem {
                name: "per-app-api-usage".to_owned(),
                used: 17,
                max: 250,
                detail: Some("appName=sample-connected-app".to_owned()),
            }]
        );

        let bursts = ApiUsage::parse("api-bursts=1/750;api-usage = 10018/100000 ; new-thing=x").unwrap();
        assert_eq!((bursts.used, bursts.max), (10_018, 100_000));
        assert_eq!(bursts.others[0].name, "api-bursts");
        assert_eq!(bursts.others.len(), 1);
    }

    #[test]
    fn what_cannot_be_read_tells_nothing() {
        for text in [
            "",
            "api-usage",
            "api-usage=1",
            "api-usage=-1/5",
            "usage=1/2",
            "api-usage=/",
        ] {
            assert_eq!(ApiUsage::parse(text), None, "{text}");
        }
    }
}
