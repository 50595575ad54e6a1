// POST /messages, and how many tokens such a request has.
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { anthropicMessages } from '@waystation/dialects';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { shortHash } from '../short-hash.js';
import { beginGeneration } from './begin-generation.js';
import { sendJson } from './send-json.js';

@Controller(['api/v1', 'v1'])
export class MessagesController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Post('messages')
  create(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, anthropicMessages, http, reply);
  }

  /** An estimate by the bytes: the models of one id may have several tokenizers. Free, and no provider is asked. */
  @Post('messages/count_tokens')
  countTokens(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    const body = Buffer.isBuffer(http.body) ? http.body : Buffer.alloc(0);
    const { features } = anthropicMessages.readRequest(body, { hash: shortHash });
    sendJson(reply, 200, { input_tokens: features.inputTokensEstimate });
  }
}
