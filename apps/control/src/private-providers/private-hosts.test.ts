// Hosts of the operator's own network: named by the configuration, or not reached.
import { isPrivateHost } from './private-hosts.js';

it.each([
  ['http://127.0.0.1:8000/v1', ['127.0.0.1'], true],
  ['http://127.0.0.1:8000/v1', ['127.0.0.1:8000'], true],
  ['http://127.0.0.1:8000/v1', ['127.0.0.1:8001'], false],
  ['https://vllm.lan/v1', ['vllm.lan:443'], true],
  ['http://VLLM.lan/v1', ['vllm.lan:80'], true],
  ['http://vllm.lan/v1', ['.lan'], true],
  ['http://lan/v1', ['.lan'], false],
  ['http://evil-vllm.lan.example/v1', ['.lan', 'vllm.lan'], false],
  ['http://[::1]:11434/v1', ['[::1]'], true],
  ['http://10.0.0.5/v1', ['*'], true],
  ['http://10.0.0.5/v1', [], false],
  ['no address', ['*'], false],
])('%s with %j: %s', (baseUrl, hosts, allowed) => {
  expect(isPrivateHost(baseUrl, hosts)).toBe(allowed);
});
