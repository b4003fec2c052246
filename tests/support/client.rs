//! A client of both listeners, and short ways to say and read messages.

use counterfoil::protocol::DetokenizeItem;
use counterfoil::protocol::DetokenizeRequest;
use counterfoil::protocol::DetokenizeResponse;
use counterfoil::protocol::DetokenizeResult;
use counterfoil::protocol::ImportItem;
use counterfoil::protocol::ImportTokensRequest;
use counterfoil::protocol::ImportTokensResult;
use counterfoil::protocol::InspectItem;
use counterfoil::protocol::InspectRequest;
use counterfoil::protocol::InspectResult;
use counterfoil::protocol::Level;
use counterfoil::protocol::LookupItem;
use counterfoil::protocol::LookupRequest;
use counterfoil::protocol::LookupResult;
use counterfoil::protocol::TokenDescription;
use counterfoil::protocol::TokenizeItem;
use counterfoil::protocol::TokenizeRequest;
use counterfoil::protocol::TokenizeResult;
use counterfoil::protocol::TokenizedValue;
use counterfoil::protocol::VerifyMatchItem;
use counterfoil::protocol::VerifyMatchRequest;
use counterfoil::protocol::VerifyMatchResult;
use counterfoil::protocol::backup_service_client::BackupServiceClient;
use counterfoil::protocol::detokenization_service_client::DetokenizationServiceClient;
use counterfoil::protocol::detokenize_result;
use counterfoil::protocol::import_tokens_result;
use counterfoil::protocol::inspect_result;
use counterfoil::protocol::lookup_result;
use counterfoil::protocol::subject_service_client::SubjectServiceClient;
use counterfoil::protocol::token_service_client::TokenServiceClient;
use counterfoil::protocol::tokenize_result;
use counterfoil::protocol::verify_match_result;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::pb;

/// A client of both listeners.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) token: TokenServiceClient<Channel>,
    pub(crate) reveal: DetokenizationServiceClient<Channel>,
    pub(crate) subjects: SubjectServiceClient<Channel>,
    pub(crate) backups: BackupServiceClient<Channel>,
}

impl Client {
    pub(crate) fn new(token: Channel, reveal: Channel) -> Self {
        Self {
            token: TokenServiceClient::new(token),
            backups: BackupServiceClient::new(reveal.clone()),
            subjects: SubjectServiceClient::new(reveal.clone()),
            reveal: DetokenizationServiceClient::new(reveal),
        }
    }

    /// Tokenizes items in `shop`.
    pub(crate) async fn tokenize(
        &self,
        items: Vec<TokenizeItem>,
    ) -> Result<Vec<TokenizeResult>, Status> {
        self.tokenize_request(TokenizeRequest {
            namespace: "shop".to_owned(),
            items,
            ..TokenizeRequest::default()
        })
        .await
    }

    pub(crate) async fn tokenize_request(
        &self,
        request: TokenizeRequest,
    ) -> Result<Vec<TokenizeResult>, Status> {
        let response = self.token.clone().tokenize(request).await?;
        Ok(response.into_inner().results)
    }

    /// The token of one value, which must be good.
    pub(crate) async fn token(&self, field: &str, value: &str) -> String {
        self.tokenized(item(field, value)).await.token
    }

    /// What one value gets, which must be good.
    pub(crate) async fn tokenized(&self, item: TokenizeItem) -> TokenizedValue {
        let results = self.tokenize(vec![item]).await.unwrap();
        token_of(results.into_iter().next().unwrap()).unwrap()
    }

    /// Imports pairs into `shop`.
    pub(crate) async fn import(
        &self,
        items: Vec<ImportItem>,
    ) -> Result<Vec<ImportTokensResult>, Status> {
        self.import_request(ImportTokensRequest {
            namespace: "shop".to_owned(),
            items,
            ..ImportTokensRequest::default()
        })
        .await
    }

    pub(crate) async fn import_request(
        &self,
        request: ImportTokensRequest,
    ) -> Result<Vec<ImportTokensResult>, Status> {
        let response = self.token.clone().import_tokens(request).await?;
        Ok(response.into_inner().results)
    }

    pub(crate) async fn lookup(
        &self,
        field: &str,
        value: &str,
    ) -> Result<TokenizedValue, pb::Status> {
        let item = LookupItem {
            field: field.to_owned(),
            value: value.to_owned(),
            subject: String::new(),
            ..LookupItem::default()
        };
        let results = self.lookup_items(vec![item]).await.unwrap();
        match results.into_iter().next().unwrap().result.unwrap() {
            lookup_result::Result::Token(value) => Ok(value),
            lookup_result::Result::Error(status) => Err(status),
        }
    }

    pub(crate) async fn lookup_items(
        &self,
        items: Vec<LookupItem>,
    ) -> Result<Vec<LookupResult>, Status> {
        let request = LookupRequest {
            namespace: "shop".to_owned(),
            items,
            ..LookupRequest::default()
        };
        Ok(self
            .token
            .clone()
            .lookup(request)
            .await?
            .into_inner()
            .results)
    }

    pub(crate) async fn inspect(
        &self,
        field: &str,
        token: &str,
        subject: &str,
    ) -> Result<TokenDescription, pb::Status> {
        let item = InspectItem {
            field: field.to_owned(),
            token: token.to_owned(),
            subject: subject.to_owned(),
            ..InspectItem::default()
        };
        let results = self.inspect_items(vec![item]).await.unwrap();
        description_of(results.into_iter().next().unwrap())
    }

    pub(crate) async fn inspect_items(
        &self,
        items: Vec<InspectItem>,
    ) -> Result<Vec<InspectResult>, Status> {
        let request = InspectRequest {
            namespace: "shop".to_owned(),
            items,
            ..InspectRequest::default()
        };
        Ok(self
            .token
            .clone()
            .inspect(request)
            .await?
            .into_inner()
            .results)
    }

    pub(crate) async fn verify_match(
        &self,
        field: &str,
        token: &str,
        value: &str,
    ) -> Result<bool, pb::Status> {
        let item = VerifyMatchItem {
            field: field.to_owned(),
            token: token.to_owned(),
            value: value.to_owned(),
            subject: String::new(),
            ..VerifyMatchItem::default()
        };
        let results = self.verify_match_items(vec![item]).await.unwrap();
        match results.into_iter().next().unwrap().result.unwrap() {
            verify_match_result::Result::Equal(equal) => Ok(equal),
            verify_match_result::Result::Error(status) => Err(status),
        }
    }

    pub(crate) async fn verify_match_items(
        &self,
        items: Vec<VerifyMatchItem>,
    ) -> Result<Vec<VerifyMatchResult>, Status> {
        let request = VerifyMatchRequest {
            namespace: "shop".to_owned(),
            items,
            ..VerifyMatchRequest::default()
        };
        let response = self.token.clone().verify_match(request).await?;
        Ok(response.into_inner().results)
    }

    pub(crate) async fn detokenize(
        &self,
        request: DetokenizeRequest,
    ) -> Result<DetokenizeResponse, Status> {
        let response = self.reveal.clone().detokenize(request).await?;
        Ok(response.into_inner())
    }

    /// The value of one token in `shop`, or its item's error.
    pub(crate) async fn value(&self, field: &str, token: &str) -> Result<String, pb::Status> {
        self.value_of(field, token, "").await
    }

    pub(crate) async fn value_of(
        &self,
        field: &str,
        token: &str,
        subject: &str,
    ) -> Result<String, pb::Status> {
        let request = detokenize_items(vec![reveal_of(field, token, subject)]);
        let response = self.detokenize(request).await.unwrap();
        value_of(response.results.into_iter().next().unwrap())
    }
}

/// A value of nobody in particular.
pub(crate) fn item(field: &str, value: &str) -> TokenizeItem {
    item_of(field, value, "")
}

/// A value of a subject.
pub(crate) fn item_of(field: &str, value: &str, subject: &str) -> TokenizeItem {
    TokenizeItem {
        field: field.to_owned(),
        value: value.to_owned(),
        subject: subject.to_owned(),
        ttl: 0,
        ..TokenizeItem::default()
    }
}

/// A value and the token that it has already.
pub(crate) fn import_of(field: &str, value: &str, token: &str, subject: &str) -> ImportItem {
    ImportItem {
        field: field.to_owned(),
        value: value.to_owned(),
        token: token.to_owned(),
        subject: subject.to_owned(),
        ..ImportItem::default()
    }
}

/// A token whose value is wanted.
pub(crate) fn reveal(field: &str, token: &str) -> DetokenizeItem {
    reveal_of(field, token, "")
}

pub(crate) fn reveal_of(field: &str, token: &str, subject: &str) -> DetokenizeItem {
    DetokenizeItem {
        field: field.to_owned(),
        token: token.to_owned(),
        subject: subject.to_owned(),
        ..DetokenizeItem::default()
    }
}

/// A reveal in `shop`.
pub(crate) fn detokenize_items(items: Vec<DetokenizeItem>) -> DetokenizeRequest {
    DetokenizeRequest {
        namespace: "shop".to_owned(),
        items,
        level: Level::Full.into(),
        purpose: "support".to_owned(),
        ..DetokenizeRequest::default()
    }
}

pub(crate) fn token_of(result: TokenizeResult) -> Result<TokenizedValue, pb::Status> {
    match result.result.unwrap() {
        tokenize_result::Result::Token(value) => Ok(value),
        tokenize_result::Result::Error(status) => Err(status),
    }
}

pub(crate) fn imported_of(result: ImportTokensResult) -> Result<TokenizedValue, pb::Status> {
    match result.result.unwrap() {
        import_tokens_result::Result::Token(value) => Ok(value),
        import_tokens_result::Result::Error(status) => Err(status),
    }
}

pub(crate) fn value_of(result: DetokenizeResult) -> Result<String, pb::Status> {
    match result.result.unwrap() {
        detokenize_result::Result::Value(value) => Ok(value),
        detokenize_result::Result::ValueParts(_) => panic!("the value has parts"),
        detokenize_result::Result::Error(status) => Err(status),
    }
}

fn description_of(result: InspectResult) -> Result<TokenDescription, pb::Status> {
    match result.result.unwrap() {
        inspect_result::Result::Description(description) => Ok(description),
        inspect_result::Result::Error(status) => Err(status),
    }
}
