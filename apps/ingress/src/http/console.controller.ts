// The status page: its files, and what it shows. The files are public and hold no data; the data needs a management key.
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { BillingCreditsGet, LoggingGenerationList, WaystationError, toWaystationError } from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONSOLE_FILES, type ConsoleFiles } from '../console/console-files.js';
import { INGRESS, type Ingress } from '../ingress.js';
import { generationLine } from '../management/generation-info.js';
import { callerOf } from './caller-of.js';
import { sendJson, usd } from './send-json.js';

const GENERATIONS_SHOWN = 50;
const ASK_MS = 2_000;

/** A part of the page whose service does not answer says so; the rest is shown. */
const orFault = async <Part>(part: Promise<Part>): Promise<Part | { fault: string }> =>
  part.catch((thrown: unknown) => ({ fault: toWaystationError(thrown).message }));

@Controller('console')
export class ConsoleController {
  constructor(
    @Inject(INGRESS) private readonly ingress: Ingress,
    @Inject(CONSOLE_FILES) private readonly files: ConsoleFiles,
  ) {}

  @Get()
  page(@Res() reply: FastifyReply): void {
    this.#send(reply, 'index.html');
  }

  @Get(':file')
  file(@Req() request: FastifyRequest<{ Params: { file: string } }>, @Res() reply: FastifyReply): void {
    this.#send(reply, request.params.file);
  }

  @Get('data/status')
  async status(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { bus, release } = this.ingress.context;
    const { principal, workspace } = callerOf(request);
    const asked = { v: 1, principal, workspaceId: workspace.id } as const;
    const [credits, generations] = await Promise.all([
      orFault(
        bus.request(BillingCreditsGet, asked, { timeoutMs: ASK_MS }).then(({ purchased, used, balance, held }) => ({
          purchased: usd(purchased),
          used: usd(used),
          balance: usd(balance),
          held: usd(held),
        })),
      ),
      orFault(
        bus
          .request(LoggingGenerationList, { ...asked, limit: GENERATIONS_SHOWN }, { timeoutMs: ASK_MS })
          .then((list) => list.generations.map(generationLine)),
      ),
    ]);
    sendJson(reply, 200, {
      release,
      workspace: { id: workspace.id, name: workspace.name },
      at: new Date().toISOString(),
      services: this.ingress.services
        .list()
        .map(({ lastSeenAt, ...service }) => ({ ...service, lastSeenMs: Date.now() - lastSeenAt })),
      credits,
      generations,
    });
  }

  #send(reply: FastifyReply, name: string): void {
    const file = this.files.get(name);
    if (file === undefined) throw new WaystationError('not_found', 'Not Found: the console has no such file');
    void reply.code(200).headers(file.headers).send(file.bytes);
  }
}
