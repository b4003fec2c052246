//! Whoever writes to the stopped vault's database can neither make a replaced token live longer nor
//! lead elsewhere, nor allow anything.

use counterfoil::assembly::AssemblyError;
use counterfoil::domain::Timestamp;
use counterfoil::store::Record;
use counterfoil::store::Successor;
use tonic::Code;

use crate::damage::put;
use crate::damage::raw;
use crate::damage::rows;
use crate::erase::token_for;
use crate::office::Office;
use crate::retokenize::GRACE;
use crate::retokenize::HOUR;
use crate::retokenize::allow;
use crate::retokenize::of;
use crate::retokenize::office;
use crate::retokenize::replaced;
use crate::retokenize::try_replace;

/// The row of the record that was replaced.
fn old_row(office: &Office) -> (Box<[u8]>, Record) {
    let all = rows(&raw(&office.vault), "records").into_iter();
    let mut read = all.map(|(key, value)| (key, Record::decode(&value).unwrap()));
    read.find(|(_, record)| record.successor.is_some()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_record_of_a_replaced_token_opens_nothing() {
    let mut office = office("").await;
    let client = office.vault.backend().await;
    let token = token_for(&client, "name", "Ada Lovelace", "cus_1").await;
    let operation = allow(&office, 9, 99 * HOUR).await;
    let new = replaced(&office.vault, &operation, of("name", &token, "")).await;
    office.vault.stop().await;
    let (key, own) = old_row(&office);
    let successor = own.successor.clone().unwrap();
    let with = |successor: Option<Successor>| Record {
        successor,
        ..own.clone()
    };
    let tampered = [
        ("no successor", with(None)),
        (
            "its own key as the successor's",
            with(Some(Successor {
                wrapped: own.wrapped.clone(),
                ..successor.clone()
            })),
        ),
        (
            "the successor's key as its own",
            Record {
                wrapped: successor.wrapped.clone(),
                ..own.clone()
            },
        ),
        (
            "another form",
            with(Some(Successor {
                fidelity: counterfoil::domain::Fidelity::Outline,
                outline_size: 1,
                ..successor
            })),
        ),
        (
            "an hour more",
            Record {
                expires: Some(own.expires.unwrap().plus_seconds(HOUR)),
                ..own.clone()
            },
        ),
        (
            "no end",
            Record {
                expires: None,
                created: Timestamp::default(),
                ..own.clone()
            },
        ),
    ];
    for (what, record) in tampered {
        put(
            &raw(&office.vault),
            "records",
            &key,
            &record.encode().unwrap(),
        );
        office.vault.serve().await.unwrap();
        let answer = try_replace(&office.vault, &operation, vec![of("name", &token, "")]).await;
        let status = answer.unwrap().remove(0).err().unwrap();
        assert_eq!(status.code, Code::DataLoss as i32, "{what}");
        let client = office.vault.backend().await;
        assert_eq!(client.token("name", "Ada Lovelace").await, new, "{what}");
        office.vault.stop().await;
    }
    put(&raw(&office.vault), "records", &key, &own.encode().unwrap());
    office.vault.serve().await.unwrap();
    assert_eq!(
        replaced(&office.vault, &operation, of("name", &token, "")).await,
        new
    );
    office.vault.clock.advance_seconds(GRACE);
    office.vault.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_row_of_an_operation_allows_nothing() {
    let mut office = office("").await;
    let client = office.vault.backend().await;
    let tokens = [
        token_for(&client, "name", "Ada Lovelace", "cus_1").await,
        token_for(&client, "name", "Grace Hopper", "cus_2").await,
    ];
    let operation = allow(&office, 1, 99 * HOUR).await;
    office.vault.stop().await;
    let before = rows(&raw(&office.vault), "ceremonies");
    office.vault.serve().await.unwrap();
    replaced(&office.vault, &operation, of("name", &tokens[0], "")).await;
    office.vault.stop().await;
    let [(key, used)] = rows(&raw(&office.vault), "ceremonies").try_into().unwrap();
    // As many as before, or more: who has no key of the vault writes neither.
    let count = b"\"changed\":1";
    let found = used.windows(count.len()).position(|it| it == count);
    let at = found.expect("the row counts") + count.len() - 1;
    let mut fewer = used.to_vec();
    fewer[at] = b'0';
    put(&raw(&office.vault), "ceremonies", &key, &fewer);
    let refused = office.vault.open().await;
    assert!(matches!(refused, Err(AssemblyError::RegisterReplaced)));
    put(&raw(&office.vault), "ceremonies", &key, &used);
    office.vault.serve().await.unwrap();
    let answer = try_replace(&office.vault, &operation, vec![of("name", &tokens[1], "")]).await;
    assert_eq!(answer.err().unwrap().code(), Code::PermissionDenied);
    assert_eq!(before.len(), 1);
    office.vault.check().await;
}
