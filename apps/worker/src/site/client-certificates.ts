// Client certificates as the operator names them: for which origins, out of which files. Faults are told at the start, with all others of the configuration; later ones are
// logged and leave what was good.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ClientCertificate } from '@waystation/providers';
import type { Logger } from 'pino';
import { z } from 'zod';

const CERTIFICATES_MAX = 256;
/** From then on a certificate's end is worth a line: a week's end and some days to get another. */
const ENDS_SOON_MS = 14 * 86_400_000;

const file = z.string().min(1).max(4_096);

const httpsOrigin = z
  .string()
  .refine(
    (text) => {
      const url = URL.parse(text);
      return url?.protocol === 'https:' && url.href === `${url.origin}/`;
    },
    { error: ({ input }) => `${JSON.stringify(input)} must be an origin, say https://gateway.example:8443` },
  )
  .transform((text) => new URL(text).origin);

const list = z
  .array(
    z.strictObject({
      origins: z.array(httpsOrigin).min(1),
      certFile: file,
      keyFile: file,
      passphraseFile: file.optional(),
    }),
  )
  .max(CERTIFICATES_MAX);

/** Node's own errors are not of the class `Error` in every realm. */
const messageOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** `[{ "origins": ["https://gateway.example"], "certFile": "…", "keyFile": "…", "passphraseFile": "…" }]`, with what is in the files. */
export const clientCertificates = z.string().transform((text, context): ReadonlyMap<string, ClientCertificate> => {
  const certificates = new Map<string, ClientCertificate>();
  const refuse = (message: string): void => void context.addIssue({ code: 'custom', message });
  const said = list.safeParse(jsonOf(text));
  if (!said.success) {
    const { message = '', path = [] } = said.error.issues[0] ?? {};
    const where = path.length === 0 ? '' : ` at ${path.join('.')}: ${message}`;
    refuse(`must be a JSON list of { "origins": ["https://…"], "certFile", "keyFile", "passphraseFile" }${where}`);
    return certificates;
  }
  for (const { origins, ...files } of said.data) {
    try {
      const certificate = new ClientCertificate(files);
      for (const origin of origins) {
        if (certificates.has(origin)) refuse(`names ${origin} twice: one origin is shown one certificate`);
        certificates.set(origin, certificate);
      }
    } catch (error) {
      refuse(`cannot be used for ${origins.join(', ')}: ${messageOf(error)}`);
    }
  }
  return certificates;
});

/** PEM of certificates; what is read here is read again when connections are opened. */
export const authorityFile = z.string().superRefine((path, context) => {
  try {
    void new X509Certificate(readFileSync(path));
  } catch (error) {
    context.addIssue({ code: 'custom', message: `must be a file with certificates as PEM: ${messageOf(error)}` });
  }
});

type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

const tellValidity = ({ files, identity }: ClientCertificate, nowMs: number, log: Log): void => {
  const { subject, validFrom, validTo } = identity;
  const about = { certFile: files.certFile, subject, validFrom, validTo };
  if (validTo.getTime() <= nowMs) log.warn(about, 'a client certificate has expired: providers will refuse it');
  else if (validFrom.getTime() > nowMs) log.warn(about, 'a client certificate is not valid yet');
  else if (validTo.getTime() - nowMs < ENDS_SOON_MS) log.warn(about, 'a client certificate expires soon');
};

/** Reads the files again and again, so that connections opened later show what was renewed; each fault is logged once. @returns what ends it */
export const keepClientCertificates = (
  certificates: ReadonlyMap<string, ClientCertificate> = new Map(),
  { log, everyMs, now = Date.now }: { readonly log: Log; readonly everyMs: number; readonly now?: () => number },
): (() => void) => {
  const each = [...new Set(certificates.values())];
  const faults = new Map<ClientCertificate, string>();
  for (const certificate of each) tellValidity(certificate, now(), log);
  const readAgain = (certificate: ClientCertificate): void => {
    try {
      const isNew = certificate.readAgain();
      faults.delete(certificate);
      if (!isNew) return;
      log.info(
        { certFile: certificate.files.certFile, validTo: certificate.identity.validTo },
        'client certificate renewed',
      );
      tellValidity(certificate, now(), log);
    } catch (error) {
      const fault = messageOf(error);
      if (faults.get(certificate) === fault) return;
      faults.set(certificate, fault);
      log.error({ err: error }, 'a client certificate was changed and cannot be used; the one of before stays');
    }
  };
  if (each.length === 0) return () => undefined;
  const timer = setInterval(() => each.forEach(readAgain), everyMs).unref();
  return () => clearInterval(timer);
};
