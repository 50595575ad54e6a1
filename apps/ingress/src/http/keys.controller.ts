// /keys: a workspace's keys, for its management keys. Control keeps them, billing knows their usage; both check the principal again.
import { Controller, Delete, Get, Inject, Patch, Post, Req, Res } from '@nestjs/common';
import {
  BillingKeyUsage,
  ControlKeyCreate,
  ControlKeyDelete,
  ControlKeyList,
  ControlKeyUpdate,
  WaystationError,
  formatUsd,
  type KeyEntry,
} from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.js';
import { INGRESS, type Ingress } from '../ingress.js';
import { keyInfo, usedInWindow, type KeyUsage } from '../management/key-info.js';
import { readKeyChanges, readNewKey, type KeyChanges } from '../management/read-key-settings.js';
import { callerOf } from './caller-of.js';
import { ownWorkspace } from './own-workspace.js';
import { sendJson } from './send-json.js';

type OneKey = FastifyRequest<{ Params: { hash: string } }>;
type List = FastifyRequest<{ Querystring: { include_disabled?: unknown; offset?: unknown; workspace_id?: unknown } }>;

const HASH = /^[0-9a-f]{64}$/;

@Controller(['api/v1/keys', 'v1/keys'])
export class KeysController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get()
  async list(@Req() request: List, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const { query } = request;
    ownWorkspace(caller, query.workspace_id);
    const offset = query.offset === undefined ? 0 : Number(query.offset);
    if (!Number.isSafeInteger(offset) || offset < 0)
      throw new WaystationError('invalid_request', 'offset: Expected a non-negative integer', {
        details: { field: 'offset' },
      });
    const { keys } = await this.#bus.request(ControlKeyList, {
      v: 1,
      principal: caller.principal,
      workspaceId: caller.workspace.id,
      includeDisabled: query.include_disabled === 'true',
      offset,
    });
    const usage = await this.#usageOf(caller, keys);
    sendJson(reply, 200, { data: keys.map((key) => keyInfo(key, usage.get(key.hash))) });
  }

  @Post()
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const { workspaceId, name, ...settings } = readNewKey(request.body);
    ownWorkspace(caller, workspaceId);
    if (name === undefined)
      throw new WaystationError('invalid_request', 'name: Required', { details: { field: 'name' } });
    const { key, entry } = await this.#bus.request(ControlKeyCreate, {
      v: 1,
      principal: caller.principal,
      workspaceId: caller.workspace.id,
      kind: 'inference',
      name,
      ...settings,
    });
    sendJson(reply, 201, { data: keyInfo(entry, undefined), key });
  }

  @Get(':hash')
  async read(@Req() request: OneKey, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const hash = hashOf(request);
    const key = this.ingress.keys.current.get(hash);
    if (key === undefined || key.deleted || key.workspaceId !== caller.workspace.id) throw unknownKey(hash);
    sendJson(reply, 200, { data: keyInfo(key, (await this.#usageOf(caller, [key])).get(hash)) });
  }

  @Patch(':hash')
  async update(@Req() request: OneKey, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const changes = readKeyChanges(request.body);
    await this.#refuseBelowUse(caller, hashOf(request), changes);
    const { entry } = await this.#bus.request(ControlKeyUpdate, {
      v: 1,
      principal: caller.principal,
      hash: hashOf(request),
      ...changes,
    });
    sendJson(reply, 200, { data: keyInfo(entry, (await this.#usageOf(caller, [entry])).get(entry.hash)) });
  }

  @Delete(':hash')
  async delete(@Req() request: OneKey, @Res() reply: FastifyReply): Promise<void> {
    const { principal } = callerOf(request);
    await this.#bus.request(ControlKeyDelete, { v: 1, principal, hash: hashOf(request) });
    sendJson(reply, 200, { deleted: true });
  }

  /** A limit below what is used would read as a limit and hold nothing back. */
  async #refuseBelowUse(
    caller: Caller,
    hash: string,
    { limit, limitReset, includeByokInLimit }: KeyChanges,
  ): Promise<void> {
    const key = this.ingress.keys.current.get(hash);
    if (limit === undefined || limit === null || key === undefined || key.workspaceId !== caller.workspace.id) return;
    const known = (await this.#usageOf(caller, [key])).get(hash);
    const used = usedInWindow(
      known,
      limitReset === undefined ? key.limitReset : limitReset,
      includeByokInLimit ?? key.includeByokInLimit,
    );
    if (used > BigInt(limit)) {
      throw new WaystationError(
        'unprocessable',
        `limit: $${formatUsd(BigInt(limit))} is below the $${formatUsd(used)} that the key has used already; set a higher one, or wait for the reset.`,
        { details: { field: 'limit' } },
      );
    }
  }

  get #bus() {
    return this.ingress.context.bus;
  }

  async #usageOf({ principal, workspace }: Caller, entries: readonly KeyEntry[]): Promise<Map<string, KeyUsage>> {
    if (entries.length === 0) return new Map();
    const { keys } = await this.#bus.request(BillingKeyUsage, {
      v: 1,
      principal,
      workspaceId: workspace.id,
      hashes: entries.map((entry) => entry.hash),
    });
    return new Map(keys.map((each) => [each.hash, each]));
  }
}

const unknownKey = (hash: string): WaystationError =>
  new WaystationError('not_found', `API key ${JSON.stringify(hash.slice(0, 64))} not found`);

const hashOf = ({ params }: OneKey): string => {
  if (!HASH.test(params.hash)) throw unknownKey(params.hash);
  return params.hash;
};
