// What a workspace's books say, for people and for their tools: the monthly statement, and charges in the FOCUS format.
import { Readable } from 'node:stream';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { BillingFocusExport, BillingStatementGet, WaystationError } from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.js';
import { INGRESS, type Ingress } from '../ingress.js';
import { callerOf } from './caller-of.js';

type OfMonth = FastifyRequest<{ Params: { month: string }; Querystring: { format?: unknown } }>;

const ASK_MS = 60_000;
const CONTENT_TYPES = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  html: 'text/html; charset=utf-8',
} as const;

@Controller(['api/v1', 'v1'])
export class BooksController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get('statements/:month')
  async statement(@Req() request: OfMonth, @Res() reply: FastifyReply): Promise<void> {
    const { principal, workspace } = callerOf(request);
    const format = formatOf(request.query.format);
    const month = monthOf(request);
    const { text, closed, hash } = await this.ingress.context.bus.request(
      BillingStatementGet,
      { v: 1, principal, workspaceId: workspace.id, month, format },
      { timeoutMs: ASK_MS },
    );
    headOf(reply, format, `statement-${month}.${format}`, format === 'html' ? 'inline' : 'attachment');
    void reply.header('x-statement-closed', String(closed)).header('x-statement-sha256', hash).send(text);
  }

  /** Sent as it is read: a failure in the middle ends the connection, so that half a month is never taken for a whole one. */
  @Get('exports/focus/:month')
  async focus(@Req() request: OfMonth, @Res() reply: FastifyReply): Promise<void> {
    const month = monthOf(request);
    const caller = callerOf(request);
    const first = await this.#focusPart(caller, month, undefined);
    headOf(reply, 'csv', `focus-${month}.csv`, 'attachment');
    void reply.send(Readable.from(this.#focusParts(caller, month, first)));
  }

  async *#focusParts(caller: Caller, month: string, first: FocusPart): AsyncGenerator<string> {
    yield first.header;
    for (let part = first; ; part = await this.#focusPart(caller, month, part.next)) {
      yield part.lines;
      if (part.next === undefined) return;
    }
  }

  #focusPart({ principal, workspace }: Caller, month: string, after: string | undefined): Promise<FocusPart> {
    return this.ingress.context.bus.request(
      BillingFocusExport,
      { v: 1, principal, workspaceId: workspace.id, month, ...(after === undefined ? {} : { after }) },
      { timeoutMs: ASK_MS },
    );
  }
}

interface FocusPart {
  readonly header: string;
  readonly lines: string;
  readonly next?: string | undefined;
}

const refuse = (field: string, problem: string): never => {
  throw new WaystationError('invalid_request', `${field}: ${problem}`, { details: { field } });
};

const monthOf = ({ params }: OfMonth): string =>
  /^\d{4}-(0[1-9]|1[0-2])$/.test(params.month) ? params.month : refuse('month', 'Expected YYYY-MM');

const formatOf = (format: unknown): keyof typeof CONTENT_TYPES => {
  switch (format) {
    case undefined:
    case 'json':
      return 'json';
    case 'csv':
    case 'html':
      return format;
    default:
      return refuse('format', "Expected 'json' | 'csv' | 'html'");
  }
};

const headOf = (
  reply: FastifyReply,
  format: keyof typeof CONTENT_TYPES,
  name: string,
  disposition: 'inline' | 'attachment',
): void => {
  void reply.code(200).headers({
    'content-type': CONTENT_TYPES[format],
    'content-disposition': `${disposition}; filename="${name}"`,
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    'x-content-type-options': 'nosniff',
    'access-control-allow-origin': '*',
    'x-request-id': reply.request.id,
  });
};
