// Which NATS servers will do, and what a server behind a URL says it is.
import { connect } from 'node:net';

export const MIN_NATS_VERSION = '2.10.0';
const INFO_TIMEOUT_MS = 5_000;
const INFO_BYTES_MAX = 64 * 1024;

export function isNewEnough(version: string | undefined): boolean {
  if (version === undefined) return false;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}

export interface NatsInfo {
  readonly version: string;
  readonly jetstream: boolean;
}

/** Reads the INFO line with which every server greets: no account is needed to see its version. */
export function natsInfo(url: string): Promise<NatsInfo> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port === '' ? '4222' : port) });
    let text = '';
    const fail = (reason: string, cause?: unknown): void => {
      socket.destroy();
      reject(new Error(`NATS at ${hostname}:${port === '' ? '4222' : port} ${reason}`, { cause }));
    };
    socket.setTimeout(INFO_TIMEOUT_MS, () => fail(`did not answer within ${INFO_TIMEOUT_MS / 1000} s`));
    socket.once('error', (error) => fail(`cannot be reached: ${error.message}`, error));
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\r\n');
      if (end < 0 && text.length < INFO_BYTES_MAX) return;
      if (!text.startsWith('INFO ')) return fail('does not speak the NATS protocol');
      socket.destroy();
      const info = JSON.parse(text.slice('INFO '.length, end)) as { version: string; jetstream?: boolean };
      resolve({ version: info.version, jetstream: info.jetstream === true });
    });
  });
}
