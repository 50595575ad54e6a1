import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { drainHttp } from './drain-http.js';

const listening = async (handler: http.RequestListener): Promise<{ server: http.Server; port: number }> => {
  const server = http.createServer({ keepAliveTimeout: 60_000 }, handler);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, port: (server.address() as AddressInfo).port };
};
const get = async (port: number, agent: http.Agent): Promise<{ body: string; connection: string | undefined }> => {
  const request = http.get({ host: '127.0.0.1', port, agent });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { body, connection: response.headers.connection };
};

describe('drainHttp', () => {
  test('lets a running answer finish, closes idle keep-alive connections, and refuses new ones', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<() => void>();
    const { server, port } = await listening((request, response) => {
      if (request.url === '/') response.end('quick');
      else arrive(() => void response.end('slow'));
    });
    const agent = new http.Agent({ keepAlive: true });
    expect((await get(port, agent)).body).toBe('quick');
    const slow = http.get({ host: '127.0.0.1', port, path: '/slow', agent });
    const answered = once(slow, 'response') as Promise<[http.IncomingMessage]>;
    const answer = await arrived;
    let drained = false;
    const draining = drainHttp(server, 60_000).then(() => (drained = true));
    await sleep(50);
    expect(drained).toBe(false);
    await expect(get(port, new http.Agent())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    answer();
    const [response] = await answered;
    response.resume();
    await once(response, 'end');
    await draining;
    agent.destroy();
  });

  test('cuts what is still open when the time is over', async () => {
    const { server, port } = await listening((_request, response) => void response.write('never ending'));
    const request = http.get({ host: '127.0.0.1', port });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    const cut = once(response, 'error');
    await drainHttp(server, 100);
    expect(await cut).toHaveLength(1);
  });

  test('a server that never listened is drained already', async () => {
    await drainHttp(http.createServer(), 60_000);
  });
});
