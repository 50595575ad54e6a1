import { isPublicAddress, publicLookup, refusePrivateLiteral } from './guard-address.js';

describe('isPublicAddress', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '104.18.7.192',
    '172.15.0.1',
    '172.32.0.1',
    '2606:4700::6810:7c0',
    '2a00:1450:4001:800::200e',
  ])('%s is', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '2001:db8::1',
    '2001::1',
    '2002:7f00:1::',
    '3fff::1',
    'example.com',
    '',
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('refusePrivateLiteral', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://0/',
    'http://2130706433/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://169.254.169.254/latest/meta-data',
    'http://①②⑦.0.0.1/',
  ])('refuses %s', (url) => {
    expect(() => refusePrivateLiteral(new URL(url))).toThrow('not a public address');
  });

  it('leaves names to the lookup', () => {
    expect(() => refusePrivateLiteral(new URL('http://localhost/'))).not.toThrow();
  });
});

describe('publicLookup', () => {
  it('refuses a name that leads to a private address, in whatever way it was asked', async () => {
    for (const all of [true, false]) {
      const error = await new Promise((resolve) => publicLookup('localhost', { all }, resolve));
      expect(error).toMatchObject({ code: 'provider_unavailable', details: { reason: 'private_address' } });
    }
  });

  it('passes on that a name does not resolve', async () => {
    const error = await new Promise((resolve) => publicLookup('no-such-host.invalid', {}, resolve));
    expect(error).toMatchObject({ syscall: 'getaddrinfo' });
  });
});
