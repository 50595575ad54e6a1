// Which proxy an address is called through, as the environment says it.
import { z } from 'zod';
import { proxiesOf, proxyFor, proxyVariables } from './proxies.js';

const config = z.object(proxyVariables).transform(proxiesOf);
const proxyOf = (url: string, env: Record<string, string>): string | undefined =>
  proxyFor(new URL(url), config.parse(env))?.href;

describe('the proxy of an address', () => {
  it.each<[string, string, Record<string, string>, string | undefined]>([
    ['none where nothing is set', 'https://a.example', {}, undefined],
    ['none where it is empty', 'https://a.example', { HTTPS_PROXY: '' }, undefined],
    ['of https', 'https://a.example', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1/'],
    ['of https alone', 'http://a.example', { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['of http', 'http://a.example', { HTTP_PROXY: 'http://p:1' }, 'http://p:1/'],
    ['of http alone', 'https://a.example', { HTTP_PROXY: 'http://p:1' }, undefined],
    ['in lower case', 'https://a.example', { https_proxy: 'http://p:1' }, 'http://p:1/'],
    [
      'in lower case first',
      'https://a.example',
      { https_proxy: 'http://p:1', HTTPS_PROXY: 'http://q:1' },
      'http://p:1/',
    ],
    [
      'of the other case where one is empty',
      'https://a.example',
      { https_proxy: '', HTTPS_PROXY: 'http://q:1' },
      'http://q:1/',
    ],
    ['without a scheme', 'https://a.example', { HTTPS_PROXY: 'p:3128' }, 'http://p:3128/'],
    ['over TLS', 'https://a.example', { HTTPS_PROXY: 'https://p' }, 'https://p/'],
    ['with credentials', 'https://a.example', { HTTPS_PROXY: 'http://u:s%40t@p:1' }, 'http://u:s%40t@p:1/'],
  ])('is %s', (_, url, env, proxy) => {
    expect(proxyOf(url, env)).toBe(proxy);
  });

  it.each(['socks5://p:1', 'ftp://p', 'https://:1', 'http://p:99999', 'http://u:%E0%A4%A@p:1'])(
    'refuses %s without quoting it',
    (text) => {
      const read = config.safeParse({ HTTPS_PROXY: text });
      expect(read.success).toBe(false);
      expect(read.error?.issues[0]?.path).toEqual(['HTTPS_PROXY']);
      expect(JSON.stringify(read.error?.issues)).not.toContain(text);
    },
  );
});

describe('NO_PROXY', () => {
  const both = { HTTP_PROXY: 'http://p:1', HTTPS_PROXY: 'http://p:1' };

  it.each<[string, string, 'direct' | 'proxied']>([
    // names, with all below
    ['a.example', 'https://a.example', 'direct'],
    ['a.example', 'https://A.Example', 'direct'],
    ['A.EXAMPLE', 'https://a.example', 'direct'],
    ['a.example', 'https://a.example.', 'direct'],
    ['a.example.', 'https://a.example', 'direct'],
    ['a.example', 'https://api.a.example', 'direct'],
    ['a.example', 'https://aa.example', 'proxied'],
    ['a.example', 'https://a.example.org', 'proxied'],
    ['b\u00fccher.example', 'https://b\u00fccher.example', 'direct'],
    // what is below alone
    ['.a.example', 'https://api.a.example', 'direct'],
    ['.a.example', 'https://a.example', 'proxied'],
    ['*.a.example', 'https://x.api.a.example', 'direct'],
    ['*.a.example', 'https://a.example', 'proxied'],
    // ports
    ['a.example:8443', 'https://a.example:8443', 'direct'],
    ['a.example:8443', 'https://a.example', 'proxied'],
    ['a.example:443', 'https://a.example', 'direct'],
    ['a.example:80', 'http://a.example', 'direct'],
    ['.a.example:443', 'https://api.a.example', 'direct'],
    // addresses
    ['10.1.2.3', 'http://10.1.2.3', 'direct'],
    ['10.1.2.3', 'http://110.1.2.3', 'proxied'],
    ['2.3', 'http://10.1.2.3', 'proxied'],
    ['10.1.2.3:8000', 'http://10.1.2.3:8000', 'direct'],
    ['10.1.2.3:8000', 'http://10.1.2.3', 'proxied'],
    ['fd00::1', 'http://[fd00::1]', 'direct'],
    ['[fd00::1]', 'http://[fd00:0::1]', 'direct'],
    ['[fd00::1]:8000', 'http://[fd00::1]:8000', 'direct'],
    ['[fd00::1]:8000', 'http://[fd00::1]', 'proxied'],
    // networks
    ['10.0.0.0/8', 'http://10.200.3.4:8000', 'direct'],
    ['10.0.0.0/8', 'http://11.0.0.1', 'proxied'],
    ['10.0.0.0/8', 'http://10.example', 'proxied'],
    ['fd00::/8', 'http://[fd12::1]', 'direct'],
    ['fd00::/8', 'http://[fe80::1]', 'proxied'],
    ['0.0.0.0/0', 'http://8.8.8.8', 'direct'],
    // lists
    ['*', 'https://a.example', 'direct'],
    ['b.example, a.example', 'https://a.example', 'direct'],
    ['b.example a.example', 'https://a.example', 'direct'],
    [',b.example,', 'https://a.example', 'proxied'],
    // the loopback of the proxy is not ours
    ['', 'http://localhost:9100', 'direct'],
    ['', 'http://lab.localhost', 'direct'],
    ['', 'http://127.9.9.9', 'direct'],
    ['', 'http://[::1]:9100', 'direct'],
    ['', 'http://10.1.2.3', 'proxied'],
  ])('%j: %s is %s', (list, url, how) => {
    expect(proxyOf(url, { ...both, NO_PROXY: list }) === undefined ? 'direct' : 'proxied').toBe(how);
  });

  it('is read in lower case first', () => {
    expect(proxyOf('https://a.example', { ...both, no_proxy: 'b.example', NO_PROXY: 'a.example' })).toBeDefined();
    expect(proxyOf('https://a.example', { ...both, no_proxy: '', NO_PROXY: 'a.example' })).toBeUndefined();
  });

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0/8', 'a.example/8', 'fd00::/129'])(
    'refuses the network %s by name',
    (list) => {
      const issues = config.safeParse({ NO_PROXY: `a.example,${list}` }).error?.issues ?? [];
      expect(issues.map(({ path, message }) => `${path.join()} ${message}`)).toEqual([
        `NO_PROXY holds ${list}, which is no network such as 10.0.0.0/8`,
      ]);
    },
  );
});
