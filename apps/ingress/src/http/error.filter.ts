// Whatever a handler or the framework threw, as an answer. Known errors keep their code; all else becomes `internal`, and is logged here, once.
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { WaystationError, toWaystationError } from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { elsewhere } from './elsewhere.js';
import { refuse } from './refuse.js';
import { methodsAt } from './routes.js';

const pathOf = (url: string): string => url.split('?', 1)[0] ?? url;

const NOTHING = new WaystationError('not_found', 'Not Found: there is nothing at this path');

/** No route: the path is known under other methods, or at the other listener, or not at all. */
const noRoute = (request: FastifyRequest): { error: WaystationError; headers: string[] } => {
  const path = pathOf(request.url);
  const { listener } = request;
  const methods = methodsAt(path, listener);
  if (methods.length === 0) {
    const nowhere = listener === undefined || methodsAt(path).length === 0;
    return { error: nowhere ? NOTHING : elsewhere(listener), headers: [] };
  }
  return {
    error: new WaystationError(
      'method_not_allowed',
      `Method ${request.method} is not allowed here; use ${methods.join(', ')}`,
    ),
    headers: ['allow', methods.join(', ')],
  };
};

@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (thrown instanceof HttpException && thrown.getStatus() === 404) {
      const { error, headers } = noRoute(request);
      return refuse(request, reply, error, headers);
    }
    const error = toWaystationError(thrown);
    if (error.code === 'internal')
      this.log.error({ err: thrown, requestId: request.id, route: request.routeOptions.url }, 'a request failed');
    refuse(request, reply, error);
  }
}
