/* Keys as BCryptExportKey, NCryptExportKey and CryptExportKey write them, into NAME.DETAIL.blob of the current directory,
 * and the public halves of the CNG keys into NAME.public. */

#include <windows.h>
#include <bcrypt.h>
#include <ncrypt.h>
#include <stdio.h>

static void save(const char *name, const char *detail, const void *data, DWORD size)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, detail ? "%s.%s" : "%s.public", name, detail);
    file = fopen(path, "wb");
    fwrite(data, 1, size, file);
    fclose(file);
}

static void export_cng(BCRYPT_KEY_HANDLE key, const WCHAR *type, const char *name, const char *detail)
{
    static UCHAR blob[8192];
    ULONG size = 0;
    NTSTATUS status = BCryptExportKey(key, NULL, type, blob, sizeof blob, &size, 0);

    if (status)
        printf("skipped: wine, BCryptExportKey %s %ls: %08lx\n", name, type, status);
    else
        save(name, detail, blob, size);
}

static void cng(const WCHAR *algorithm, ULONG bits, const char *name, const WCHAR *public_type, const WCHAR *first,
                const char *first_detail, const WCHAR *second, const char *second_detail)
{
    BCRYPT_ALG_HANDLE provider;
    BCRYPT_KEY_HANDLE key;
    NTSTATUS status = BCryptOpenAlgorithmProvider(&provider, algorithm, NULL, 0);

    if (!status)
        status = BCryptGenerateKeyPair(provider, &key, bits, 0);
    if (!status)
        status = BCryptFinalizeKeyPair(key, 0);
    if (status) {
        printf("skipped: wine, key pair %s: %08lx\n", name, status);
        return;
    }
    export_cng(key, public_type, name, NULL);
    export_cng(key, first, name, first_detail);
    if (second)
        export_cng(key, second, name, second_detail);
}

static void ncrypt(const char *name)
{
    static BYTE blob[8192];
    NCRYPT_PROV_HANDLE provider;
    NCRYPT_KEY_HANDLE key;
    DWORD size = 0, bits = 1024;
    SECURITY_STATUS status = NCryptOpenStorageProvider(&provider, MS_KEY_STORAGE_PROVIDER, 0);

    if (!status)
        status = NCryptCreatePersistedKey(provider, &key, BCRYPT_RSA_ALGORITHM, NULL, 0, 0);
    if (!status)
        status = NCryptSetProperty(key, NCRYPT_LENGTH_PROPERTY, (BYTE *)&bits, sizeof bits, 0);
    if (!status)
        status = NCryptFinalizeKey(key, 0);
    if (!status)
        status = NCryptExportKey(key, 0, BCRYPT_RSAPUBLIC_BLOB, NULL, blob, sizeof blob, &size, 0);
    if (!status) {
        save(name, NULL, blob, size);
        status = NCryptExportKey(key, 0, BCRYPT_RSAFULLPRIVATE_BLOB, NULL, blob, sizeof blob, &size, 0);
    }
    if (!status)
        save(name, "ncrypt.blob", blob, size);
    else
        printf("skipped: wine, NCrypt %s: %08lx\n", name, status);
}

/* No public half: openssl reads these blobs. */
static void capi(const char *name, const WCHAR *which, DWORD type)
{
    static BYTE blob[8192];
    HCRYPTPROV provider;
    HCRYPTKEY key;
    DWORD size = sizeof blob;

    if (CryptAcquireContextW(&provider, NULL, which, type, CRYPT_VERIFYCONTEXT) &&
        CryptGenKey(provider, AT_SIGNATURE, 1024 << 16 | CRYPT_EXPORTABLE, &key) &&
        CryptExportKey(key, 0, PRIVATEKEYBLOB, 0, blob, &size))
        save(name, "capi.blob", blob, size);
    else
        printf("skipped: wine, CryptExportKey %s: %08lx\n", name, GetLastError());
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    cng(BCRYPT_RSA_ALGORITHM, 2048, "wine-rsa2048", BCRYPT_RSAPUBLIC_BLOB, BCRYPT_RSAPRIVATE_BLOB, "private.blob",
        BCRYPT_RSAFULLPRIVATE_BLOB, "fullprivate.blob");
    cng(BCRYPT_ECDSA_P256_ALGORITHM, 256, "wine-ecdsa-p256", BCRYPT_ECCPUBLIC_BLOB, BCRYPT_ECCPRIVATE_BLOB,
        "private.blob", L"ECCFULLPRIVATEBLOB", "fullprivate.blob");
    cng(BCRYPT_ECDSA_P384_ALGORITHM, 384, "wine-ecdsa-p384", BCRYPT_ECCPUBLIC_BLOB, BCRYPT_ECCPRIVATE_BLOB,
        "private.blob", NULL, NULL);
    cng(BCRYPT_ECDSA_P521_ALGORITHM, 521, "wine-ecdsa-p521", BCRYPT_ECCPUBLIC_BLOB, BCRYPT_ECCPRIVATE_BLOB,
        "private.blob", NULL, NULL);
    cng(BCRYPT_ECDH_P256_ALGORITHM, 256, "wine-ecdh-p256", BCRYPT_ECCPUBLIC_BLOB, BCRYPT_ECCPRIVATE_BLOB,
        "private.blob", NULL, NULL);
    cng(BCRYPT_ECDH_P384_ALGORITHM, 384, "wine-ecdh-p384", BCRYPT_ECCPUBLIC_BLOB, BCRYPT_ECCPRIVATE_BLOB,
        "private.blob", NULL, NULL);
    cng(BCRYPT_ECDH_P521_ALGORITHM, 521, "wine-ecdh-p521", BCRYPT_ECCPUBLIC_BLOB, BCRYPT_ECCPRIVATE_BLOB,
        "private.blob", NULL, NULL);
    cng(BCRYPT_DSA_ALGORITHM, 1024, "wine-dsa1024", BCRYPT_DSA_PUBLIC_BLOB, BCRYPT_DSA_PRIVATE_BLOB, "private.blob",
        LEGACY_DSA_V2_PRIVATE_BLOB, "capi.blob");
    ncrypt("wine-rsa1024");
    capi("wine-capi-rsa1024", MS_ENHANCED_PROV_W, PROV_RSA_FULL);
    capi("wine-capi-dsa1024", MS_ENH_DSS_DH_PROV_W, PROV_DSS_DH);
    return 0;
}
