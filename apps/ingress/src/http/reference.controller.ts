// The API's reference: as an OpenAPI document for tools, as a page for people. Public; both are made when somebody first asks, and are the same until the next release.
import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { describeApi } from '../openapi/describe-api.js';
import { writePage, type Page } from '../openapi/write-page.js';

const DOCUMENT_URL = '/api/v1/openapi.json';

@Controller()
export class ReferenceController {
  #document: string | undefined;
  #page: Page | undefined;

  @Get(['api/v1/openapi.json', 'v1/openapi.json'])
  document(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.#document ??= JSON.stringify(describeApi());
    void reply
      .code(200)
      .headers({
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-cache',
        'access-control-allow-origin': '*',
        'x-request-id': request.id,
      })
      .send(this.#document);
  }

  @Get('docs')
  page(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    this.#page ??= writePage(describeApi(), DOCUMENT_URL);
    const { html, headers } = this.#page;
    void reply
      .code(200)
      .headers({ ...headers, 'x-request-id': request.id })
      .send(html);
  }
}
