//! National identifiers: numbers and the like that a state gives to people.
//!
//! Each is a specification in the language of product formats, in a file of its own that names its
//! public source, what marks a token as nobody's number, and what the token still shows. All are
//! marked: there is no mode in which a token could be a stranger's number.
//!
//! Not here: Italy's codice fiscale, which is written out of the name and the place of birth. It
//! has no grammar, and gets an outline.

use crate::format::product::GrammarSpec;

/// A kind of national identifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::format) struct Scheme {
    /// What the configuration calls it.
    pub(in crate::format) name: &'static str,
    /// The country, after ISO 3166-1 alpha-2.
    pub(in crate::format) country: &'static str,
    /// What its issuer calls it.
    pub(in crate::format) title: &'static str,
    specification: &'static str,
}

impl Scheme {
    /// The scheme of this name.
    pub(in crate::format) fn named(name: &str) -> Option<&'static Self> {
        SCHEMES.iter().find(|scheme| scheme.name == name)
    }

    /// Its specification.
    ///
    /// # Errors
    ///
    /// If the file does not parse, which a test rules out.
    pub(in crate::format) fn grammar(&self) -> Result<GrammarSpec, toml::de::Error> {
        toml::from_str(self.specification)
    }
}

macro_rules! schemes {
    ($($name:ident, $country:literal, $title:literal;)*) => {
        &[$(Scheme {
            name: stringify!($name),
            country: $country,
            title: $title,
            specification: include_str!(concat!(stringify!($name), ".toml")),
        }),*]
    };
}

/// Every scheme, by name.
pub(in crate::format) const SCHEMES: &[Scheme] = schemes! {
    ar_cuit, "AR", "CUIT and CUIL";
    at_vsnr, "AT", "Versicherungsnummer";
    au_medicare, "AU", "Medicare card number";
    au_tfn, "AU", "Tax file number";
    be_nn, "BE", "Rijksregisternummer, numéro de registre national";
    bg_egn, "BG", "Единен граждански номер";
    br_cpf, "BR", "Cadastro de Pessoas Físicas";
    ca_sin, "CA", "Social Insurance Number";
    ch_ahv, "CH", "AHV-Nummer, numéro AVS";
    cl_rut, "CL", "Rol Único Tributario";
    cn_ric, "CN", "Resident identity card number";
    cz_rodne_cislo, "CZ", "Rodné číslo";
    de_steuer_id, "DE", "Steuerliche Identifikationsnummer";
    dk_cpr, "DK", "Personnummer (CPR)";
    ec_ci, "EC", "Cédula de identidad";
    es_dni, "ES", "DNI and NIE";
    fi_hetu, "FI", "Henkilötunnus";
    fr_nir, "FR", "Numéro d'inscription au répertoire";
    gr_afm, "GR", "Αριθμός Φορολογικού Μητρώου";
    gr_amka, "GR", "Αριθμός Μητρώου Κοινωνικής Ασφάλισης";
    hk_hkid, "HK", "Hong Kong identity card number";
    hr_oib, "HR", "Osobni identifikacijski broj";
    id_nik, "ID", "Nomor Induk Kependudukan";
    ie_pps, "IE", "Personal Public Service Number";
    il_id, "IL", "Identity number";
    in_aadhaar, "IN", "Aadhaar number";
    in_pan, "IN", "Permanent Account Number";
    is_kennitala, "IS", "Kennitala";
    jp_my_number, "JP", "Individual Number";
    kr_rrn, "KR", "Resident registration number";
    mx_curp, "MX", "Clave Única de Registro de Población";
    my_nric, "MY", "MyKad number";
    nl_bsn, "NL", "Burgerservicenummer";
    no_fnr, "NO", "Fødselsnummer and D-nummer";
    pl_pesel, "PL", "PESEL";
    pt_nif, "PT", "Número de Identificação Fiscal";
    ro_cnp, "RO", "Cod numeric personal";
    rs_jmbg, "RS", "Јединствени матични број грађана";
    ru_inn, "RU", "Идентификационный номер налогоплательщика";
    se_personnummer, "SE", "Personnummer and samordningsnummer";
    sg_nric, "SG", "NRIC and FIN";
    si_emso, "SI", "Enotna matična številka občana";
    th_pin, "TH", "Personal identification number";
    tr_tckn, "TR", "Türkiye Cumhuriyeti Kimlik Numarası";
    tw_id, "TW", "National identification number";
    ua_rnokpp, "UA", "Реєстраційний номер облікової картки платника податків";
    uk_nhs, "GB", "NHS number";
    uk_nino, "GB", "National Insurance number";
    us_itin, "US", "Individual Taxpayer Identification Number";
    us_mbi, "US", "Medicare Beneficiary Identifier";
    us_ssn, "US", "Social Security number";
    za_id, "ZA", "Identity number";
};

#[cfg(test)]
mod tests;
