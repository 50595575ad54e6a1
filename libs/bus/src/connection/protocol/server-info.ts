// What a server says of itself in INFO: when it greets, and again when something changed.
import { ProtocolError } from './parse.js';

export interface ServerInfo {
  readonly version: string;
  /** Bytes of a message with its headers. */
  readonly maxPayload: number;
  readonly headers: boolean;
  readonly tlsRequired: boolean;
  readonly tlsAvailable: boolean;
  /** Other servers of the cluster, `host:port`. */
  readonly connectUrls: readonly string[];
  /** It will shut down soon and asks its clients to go elsewhere. */
  readonly lameDuck: boolean;
}

const MAX_PAYLOAD_DEFAULT = 1024 * 1024;

/** @throws ProtocolError */
export const parseServerInfo = (json: string): ServerInfo => {
  let info: unknown;
  try {
    info = JSON.parse(json);
  } catch (cause) {
    throw new ProtocolError('the server sent an INFO that is not JSON', { cause });
  }
  if (info === null || typeof info !== 'object') throw new ProtocolError('the server sent an INFO that is no object');
  const field = info as Record<string, unknown>;
  const { version, max_payload: maxPayload, connect_urls: connectUrls } = field;
  return {
    version: typeof version === 'string' ? version : '0.0.0',
    maxPayload: typeof maxPayload === 'number' ? maxPayload : MAX_PAYLOAD_DEFAULT,
    headers: field['headers'] === true,
    tlsRequired: field['tls_required'] === true,
    tlsAvailable: field['tls_available'] === true,
    connectUrls: Array.isArray(connectUrls) ? connectUrls.filter((url) => typeof url === 'string') : [],
    lameDuck: field['ldm'] === true,
  };
};
