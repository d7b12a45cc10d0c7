use super::*;
use crate::crypto::test_keys::rsa_keys;

#[test]
fn what_determines_a_key_gives_it_back() {
    for key in rsa_keys().iter().filter(|key| key.n.len() <= 256) {
        let [n, e] = [&key.n, &key.e].map(|number| Some(&number[..]));
        let [d, p, q] = [&key.d, &key.p, &key.q].map(|number| Some(Secret::new(number)));
        let [dp, dq, qinv] = key.crt.each_ref().map(|number| Some(Secret::new(number)));
        let none = RsaParts::default();
        let public = vec![PublicKey::rsa(&key.n, &key.e).unwrap()];
        for (name, parts) in [
            ("n, e, p", RsaParts { n, e, p, ..none }),
            ("n, e, q", RsaParts { n, e, q, ..none }),
            ("n, e, d", RsaParts { n, e, d, ..none }),
            ("n, d, p", RsaParts { n, d, p, ..none }),
            ("d, p, q", RsaParts { d, p, q, ..none }),
            (
                "q, dp, dq, qinv",
                RsaParts {
                    q,
                    dp,
                    dq,
                    qinv,
                    ..none
                },
            ),
            (
                "dp, dq, qinv",
                RsaParts {
                    dp,
                    dq,
                    qinv,
                    ..none
                },
            ),
        ] {
            assert!(parts.may_determine_key() && parts.look_promising());
            let rebuilt = parts.rebuild().unwrap_or_else(|| panic!("{name}"));
            assert!(rebuilt.is_proven, "{name}");
            assert_eq!(rebuilt.public, public, "{name}");
        }
        let exponents = RsaParts { q, dp, dq, ..none }.rebuild().unwrap();
        assert!(!exponents.is_proven && exponents.public.contains(&public[0]));
        let primes = RsaParts { p, q, ..none }.rebuild().unwrap();
        assert!(!primes.is_proven && primes.public.contains(&public[0]));
        for parts in [
            RsaParts { n, e, ..none },
            RsaParts { e, d, ..none },
            RsaParts { e, p, ..none },
        ] {
            assert!(!parts.may_determine_key() && parts.rebuild().is_none());
        }
    }
}

#[test]
fn changed_numbers_give_nothing() {
    let key = rsa_keys().swap_remove(0);
    let n = Some(&key.n[..]);
    let e = Some(&key.e[..]);
    for at in [0, 5, key.d.len() - 1] {
        let mut d = key.d.clone();
        d[at] ^= 2;
        let parts = RsaParts {
            n,
            e,
            d: Some(Secret::new(&d)),
            ..RsaParts::default()
        };
        assert!(parts.rebuild().is_none(), "d changed at {at}");
        let mut p = key.p.clone();
        p[at.min(key.p.len() - 1)] ^= 2;
        let parts = RsaParts {
            n,
            e,
            p: Some(Secret::new(&p)),
            ..RsaParts::default()
        };
        assert!(parts.rebuild().is_none(), "p changed at {at}");
    }
}

#[test]
fn degenerate_numbers_give_nothing() {
    for bytes in [&[][..], &[0], &[1], &[0xff; 64], &[0xff; 128]] {
        let secret = Some(Secret::new(bytes));
        let parts = RsaParts {
            n: Some(bytes),
            e: Some(bytes),
            d: secret,
            p: secret,
            q: secret,
            dp: secret,
            dq: secret,
            qinv: secret,
        };
        assert!(parts.rebuild().is_none());
    }
}
