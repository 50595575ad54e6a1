// Jobs of one request and one body: POST /embeddings, /rerank, /images, /audio/speech, /audio/transcriptions.
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { embeddings, images, readTranscriptionForm, rerank, speech, transcriptions } from '@waystation/dialects';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { beginGeneration } from './begin-generation.js';

@Controller(['api/v1', 'v1'])
export class JobsController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Post('embeddings')
  embed(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, embeddings, http, reply);
  }

  @Post('rerank')
  rank(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, rerank, http, reply);
  }

  /** The reference's path, and that of OpenAI's clients. */
  @Post(['images', 'images/generations'])
  draw(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, images, http, reply);
  }

  @Post('audio/speech')
  speak(@Req() http: FastifyRequest, @Res() reply: FastifyReply): void {
    beginGeneration(this.ingress, speech, http, reply);
  }

  /** JSON, or a form with a file. */
  @Post('audio/transcriptions')
  async transcribe(@Req() http: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (Buffer.isBuffer(http.body)) http.body = await readTranscriptionForm(http.body, http.headers['content-type']);
    beginGeneration(this.ingress, transcriptions, http, reply);
  }
}
