// What goes out: one head that nothing from outside can extend.
import { forwardRequestHead, writeRequestHead } from './request-head.js';

describe('the head of a request', () => {
  it('names host, connection, headers in their order, and the length of the body', () => {
    const { text, closes } = writeRequestHead(
      'lab.example:8080',
      '/v1/chat?a=b',
      ['X-One', '1', 'x-two', 'caf\xe9\t'],
      7,
    );
    expect(text).toBe(
      'POST /v1/chat?a=b HTTP/1.1\r\nhost: lab.example:8080\r\nconnection: keep-alive\r\nX-One: 1\r\nx-two: caf\xe9\t\r\ncontent-length: 7\r\n\r\n',
    );
    expect(closes).toBe(false);
  });

  it('lets a header name the host, and close the connection', () => {
    const headers = ['Host', 'inner.example', 'Connection', 'Close', 'content-length', '3'];
    const { text, closes, namedHost } = writeRequestHead('lab.example', '/', headers, 3);
    expect(text).toBe('POST / HTTP/1.1\r\nhost: inner.example\r\nconnection: close\r\ncontent-length: 3\r\n\r\n');
    expect(closes).toBe(true);
    expect(namedHost).toBe('inner.example');
  });

  it.each<[string, string, string[]]>([
    ['a line end in a value', '/', ['x', 'a\r\nevil: 1']],
    ['a bare carriage return in a value', '/', ['x', 'a\rb']],
    ['a bare line feed in a value', '/', ['x', 'a\nb']],
    ['a NUL in a value', '/', ['x', 'a\0b']],
    ['a character that Latin-1 would fold to a line feed', '/', ['x', 'a\u010ab']],
    ['a line end in a name', '/', ['x\r\nevil', 'a']],
    ['a space in a name', '/', ['x y', 'a']],
    ['a colon in a name', '/', ['x:', 'a']],
    ['no name', '/', ['', 'a']],
    ['a line end in the host', '/', ['host', 'a\r\nevil: 1']],
    ['two hosts', '/', ['host', 'a', 'Host', 'b']],
    ['a line end in the path', '/a\r\nevil: 1', []],
    ['a space in the path', '/a HTTP/1.1', []],
    ['a wide character in the path', '/\u010a', []],
    ['a path that is no path', 'http://elsewhere/', []],
    ['another length', '/', ['Content-Length', '4']],
    ['another framing', '/', ['Transfer-Encoding', 'chunked']],
    ['an upgrade', '/', ['upgrade', 'h2c']],
    ['an expectation', '/', ['expect', '100-continue']],
    ['a hop-by-hop list', '/', ['connection', 'x-secret']],
  ])('is refused with %s, and the refusal quotes no value', (_, path, headers) => {
    const write = (): unknown => writeRequestHead('lab.example', path, headers, 3);
    expect(write).toThrow(expect.objectContaining({ code: 'HTTP_REQUEST_INVALID' }));
    expect(write).not.toThrow(/evil: 1/);
  });
});

describe('the head of a request that a proxy passes on', () => {
  const forwarding = { origin: 'http://lab.example:8080', fields: 'proxy-authorization: Basic dTpw\r\n' };

  it('names the whole address, and ends with what is for the proxy', () => {
    const head = writeRequestHead('lab.example:8080', '/v1?a=b', ['x', '1'], 3);
    expect(forwardRequestHead(head, forwarding)).toBe(
      'POST http://lab.example:8080/v1?a=b HTTP/1.1\r\nhost: lab.example:8080\r\nconnection: keep-alive\r\nx: 1\r\ncontent-length: 3\r\nproxy-authorization: Basic dTpw\r\n\r\n',
    );
  });

  it('is refused where a header names another host', () => {
    const head = writeRequestHead('lab.example', '/', ['host', 'inner.example'], 3);
    expect(() => forwardRequestHead(head, forwarding)).toThrow('the header host cannot be sent');
  });
});
