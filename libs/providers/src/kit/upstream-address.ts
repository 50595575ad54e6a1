// What all requests to a target share, read off its URL once: its host, the path before theirs, and what it must have in common with another target to share connections.
import { clientCertificateFor } from './client-certificate.js';
import { forwardingOf, type Forwarding } from './http1/proxy.js';
import type { UpstreamMessage, UpstreamTarget } from './upstream.js';

export class UpstreamAddress {
  readonly host: string;
  /** Where a proxy reads the requests itself. */
  readonly forwarding: Forwarding | undefined;
  readonly #target: UpstreamTarget;
  readonly #basePath: string;
  readonly #search: string;
  #namedHost: string | undefined;
  #poolKey: string;

  private constructor(target: UpstreamTarget) {
    const { host, pathname, search } = target.url;
    this.host = host;
    this.forwarding = forwardingOf(target);
    this.#target = target;
    this.#basePath = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname;
    this.#search = search;
    this.#poolKey = this.#writeKey();
  }

  static readonly #known = new WeakMap<UpstreamTarget, UpstreamAddress>();

  static of(target: UpstreamTarget): UpstreamAddress {
    const known = this.#known.get(target);
    if (known !== undefined) return known;
    const address = new UpstreamAddress(target);
    this.#known.set(target, address);
    return address;
  }

  /** For the host that was named last: as a rule all requests to a target name the same, for their headers are of one catalog entry. */
  get poolKey(): string {
    return this.#poolKey;
  }

  /** With TLS a host that a header names must be proved, so its connections are its own. */
  nameHost(namedHost: string | undefined): void {
    if (namedHost === this.#namedHost) return;
    this.#namedHost = namedHost;
    this.#poolKey = this.#writeKey();
  }

  pathOf({ path, query }: UpstreamMessage): string {
    const whole = this.#basePath + path;
    if (this.#search === '' && query === '') return whole;
    const ofTarget = this.#search.slice(1);
    const asked = ofTarget === '' || query === '' ? ofTarget + query : `${ofTarget}&${query}`;
    // A dialect may ask with parameters of its own.
    return `${whole}${path.includes('?') ? '&' : '?'}${asked}`;
  }

  #writeKey(): string {
    const { url, allowPrivateAddress, connectionsMax, timeouts, tls, proxy } = this.#target;
    const { connectMs } = timeouts;
    return [
      url.origin,
      this.#namedHost,
      allowPrivateAddress,
      connectionsMax,
      connectMs,
      tls?.caFile,
      clientCertificateFor(this.#target, this.#namedHost ?? url.host)?.files.certFile,
      proxy?.url.href,
      proxy?.names,
    ].join(' ');
  }
}
