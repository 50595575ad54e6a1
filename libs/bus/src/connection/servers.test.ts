// Which servers are tried, and with which names and credentials.
import { createServerPool, hostsOf, parseServer, type ServerPool } from './servers.js';

const hostsInTurn = (pool: ServerPool): string[] => Array.from({ length: pool.size }, () => pool.next().host);

test.each([
  ['nats://h:1', { host: 'h', port: 1, tls: false, tlsName: 'h' }],
  ['h', { host: 'h', port: 4222, tls: false, tlsName: 'h' }],
  ['10.0.0.1:5', { host: '10.0.0.1', port: 5 }],
  ['nats://[::1]:7', { host: '::1', port: 7 }],
  ['tls://h', { host: 'h', port: 4222, tls: true }],
  ['nats://u:p%40ss@h', { user: 'u', password: 'p@ss' }],
  ['nats://t0ken@h', { token: 't0ken' }],
])('%s is understood', (url, server) => {
  expect(parseServer(url)).toMatchObject(server);
});

test.each(['ws://h', 'http://u:secret@h', 'nats://', 'nats://h:x'])('%s is refused, without its password', (url) => {
  expect(() => parseServer(url)).toThrow(/is no NATS server: use nats:/);
  expect(() => parseServer(url)).not.toThrow(/secret/);
});

test('credentials are cut out of a list', () => {
  expect(hostsOf('nats://u:p@a:1,nats://b,tls://t@c')).toBe('nats://a:1,nats://b,tls://c');
});

test('each server is tried before one is tried again', () => {
  const pool = createServerPool('a,b,c');
  const first = hostsInTurn(pool);
  expect([...first].sort()).toEqual(['a', 'b', 'c']);
  expect(hostsInTurn(pool)).toEqual(first);
});

test('the order is random', () => {
  expect(hostsInTurn(createServerPool('a,b,c', () => 0.99))).toEqual(['c', 'b', 'a']);
  expect(hostsInTurn(createServerPool('a,b,c', () => 0))).toEqual(['a', 'b', 'c']);
});

test('servers of the cluster join while they are named, the one in use stays last, and what is no server is passed over', () => {
  const pool = createServerPool('nats://u:p@named:1', () => 0);
  const inUse = pool.next();
  pool.learn(['10.0.0.1:4222', 'named:1', 'http://x', 'other'], inUse);
  expect(hostsInTurn(pool)).toEqual(['10.0.0.1', 'other', 'named']);
  expect(pool.next()).toMatchObject({ host: '10.0.0.1', tlsName: 'named', user: 'u', password: 'p' });
  pool.learn(['other:4222'], inUse);
  expect(hostsInTurn(pool).sort()).toEqual(['named', 'other']);
  pool.learn([], inUse);
  expect(hostsInTurn(pool)).toEqual(['named']);
});
