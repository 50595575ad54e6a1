// POST /responses.
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { openAiResponses } from '@waystation/dialects';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { beginGeneration } from './begin-generation.js';

@Controller(['api/v1', 'v1'])
export class ResponsesController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Post('responses')
  create(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, openAiResponses, http, reply);
  }
}
