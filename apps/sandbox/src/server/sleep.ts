// Waiting that ends early when the client has left, and never keeps the process alive.
import type { ServerResponse } from 'node:http';

export const sleep = (response: ServerResponse, ms: number): Promise<void> =>
  new Promise((resolve) => {
    if (response.closed) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      response.off('close', done);
      resolve();
    };
    const timer = setTimeout(done, ms).unref();
    response.on('close', done);
  });
