// What the worker sees of the client towards providers: where to, what, and what comes back. Callbacks instead of streams and promises, since one request is one state machine.
import type { WaystationError } from '@waystation/contracts';
import type { ClientCertificate } from './client-certificate.js';

export interface UpstreamTimeouts {
  readonly connectMs: number;
  /** From the sent request to the response's head. */
  readonly firstByteMs: number;
  /** Between two pieces of the response's body. */
  readonly idleMs: number;
}

export interface UpstreamTls {
  /** Certificate authorities besides the system's. */
  readonly caFile?: string;
  /** By origin: nobody else is shown any, the proxy neither. */
  readonly clientCertificates?: ReadonlyMap<string, ClientCertificate>;
}

/**
 * What is asked of names where an address must be public and a proxy resolves them: `check`, they are resolved here first and must be public, then the proxy is told the name;
 * `pin`, the proxy is told the address that was checked; `trust`, the proxy alone keeps private networks out. Private addresses as such are refused by all three.
 */
export type ProxiedNames = 'check' | 'pin' | 'trust';

export interface UpstreamProxy {
  /** `http:` or `https:`, with the credentials that the proxy asks for. */
  readonly url: URL;
  readonly names: ProxiedNames;
}

/** Where to: a provider, as long as its catalog entry does not change. */
export interface UpstreamTarget {
  readonly url: URL;
  readonly providerName: string;
  readonly allowPrivateAddress: boolean;
  /** Requests at the same time; one more is refused. */
  readonly connectionsMax: number;
  readonly timeouts: UpstreamTimeouts;
  readonly tls?: UpstreamTls;
  /** Through which connections are opened; absent: directly. */
  readonly proxy?: UpstreamProxy;
}

export interface UpstreamMessage {
  /** Behind the target's path, starting with a slash. */
  readonly path: string;
  /** `name=value`, or nothing. */
  readonly query: string;
  /** Name, value, name, value, … */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export interface UpstreamHead {
  readonly status: number;
  header(name: string): string | undefined;
}

/** `head`, then `data`, then `end`; `fail` instead of any of them. */
export interface UpstreamListener {
  head(head: UpstreamHead): void;
  data(chunk: Buffer): void;
  end(): void;
  fail(error: WaystationError): void;
}

export interface UpstreamCall {
  /** Whether the request has gone out, so that the provider may bill for it. */
  readonly sent: boolean;
  /** No `data` until `resume`, but for what was already read. */
  pause(): void;
  resume(): void;
  /** Ends it and closes the socket. */
  abort(): void;
  /** Nothing more is wanted, but the response is all but over: lets it end for a moment, so that the connection can be used again. */
  release(): void;
}

export interface UpstreamClient {
  /** Whether one more request to the target is allowed now. */
  hasRoom(target: UpstreamTarget): boolean;
  send(target: UpstreamTarget, message: UpstreamMessage, listener: UpstreamListener): UpstreamCall;
  close(): Promise<void>;
}
