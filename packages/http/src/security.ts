import { DomainError } from '@millrace/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

export interface SecurityOptions {
  /** Host names (with or without port) that a request may name; `*` admits all. Empty: loopback names and own addresses. */
  readonly allowedHosts: readonly string[];
  /** Origins besides the server's own that a browser may read and write from; `*` admits all. */
  readonly allowedOrigins: readonly string[];
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
/** Asked by load balancers, which name an address of their own choice. */
const OPEN_PATHS = new Set(['/health', '/version', '/livez', '/readyz']);
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

const withoutPort = (host: string) => host.replace(/:\d+$/, '').toLowerCase();

/**
 * Refuses what a browser would send on behalf of a page that is not ours: a Host that rebinding made up, and writes
 * from a foreign Origin.
 */
export function securityCheck(options: SecurityOptions): (request: FastifyRequest) => void {
  const any = options.allowedHosts.includes('*');
  const hosts = new Set([...LOOPBACK, ...options.allowedHosts.map((host) => host.toLowerCase())]);
  const origins = new Set(options.allowedOrigins.map(canonicalOrigin));
  const allows = (host: string) => any || hosts.has(withoutPort(host)) || hosts.has(host.toLowerCase());

  return ({ headers, method, raw }) => {
    const { host = '', origin } = headers;
    if (!allows(host) && !OPEN_PATHS.has(pathOf(raw.url ?? ''))) {
      throw new DomainError(
        'PERMISSION_DENIED',
        `Invalid Host header '${host.slice(0, 100)}' - possible DNS rebinding attack detected. Name this host with --allowed-hosts to admit it.`,
      );
    }
    if (origin === undefined || SAFE_METHODS.has(method)) return;
    if (
      origin.toLowerCase() === `http://${host.toLowerCase()}` ||
      origin.toLowerCase() === `https://${host.toLowerCase()}`
    ) {
      return;
    }
    if (origins.has(origin.toLowerCase()) || origins.has('*')) return;
    throw new DomainError(
      'PERMISSION_DENIED',
      `Cross-origin request blocked: name the origin '${origin.slice(0, 100)}' with --cors-allowed-origins to admit it.`,
    );
  };
}

const PREFLIGHT_SECONDS = 600;

/**
 * Tells browsers that pages of the admitted origins may read answers and send JSON. True where the request was only a
 * browser's question whether it may ask, and is answered.
 */
export function crossOrigin(options: SecurityOptions): (request: FastifyRequest, reply: FastifyReply) => boolean {
  const origins = new Set(options.allowedOrigins.map(canonicalOrigin));
  return ({ headers, method }, reply) => {
    const { origin } = headers;
    if (origin === undefined || !(origins.has(canonicalOrigin(origin)) || origins.has('*'))) return false;
    reply.raw.setHeader('access-control-allow-origin', origin);
    reply.raw.setHeader('vary', 'Origin');
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false;
    reply.raw.setHeader('access-control-allow-methods', 'GET, HEAD, POST, PUT, PATCH, DELETE');
    reply.raw.setHeader('access-control-allow-headers', headers['access-control-request-headers'] ?? 'content-type');
    reply.raw.setHeader('access-control-max-age', PREFLIGHT_SECONDS);
    reply.code(204).send();
    return true;
  };
}

const canonicalOrigin = (origin: string) => origin.toLowerCase().replace(/\/$/, '');

const pathOf = (url: string) => {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
};
