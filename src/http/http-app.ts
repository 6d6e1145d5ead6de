import express, { type Express } from 'express';
import { answerOptions } from './answer-options.ts';
import { getOpenapi } from './get-openapi.ts';
import { type LogRequestsDeps, logRequests } from './log-requests.ts';
import { answerError, answerUnknownPath, answerWrongMethod, refuseBody } from './problem.ts';
import type { Route } from './route.ts';

/** An HTTP interface of these routes, and of a description of them. Serve it with `serve`, which sets the limits that it relies on. */
export function httpApp(routes: readonly Route[], deps: LogRequestsDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  // Tags are made from signed bytes, and queries are parsed strictly, each in one place of our own.
  app.set('etag', false);
  app.set('query parser', false);

  app.use(logRequests(deps));
  for (const [path, methods] of byPath([...routes, getOpenapi(routes)])) mount(app, path, methods);
  app.use(refuseBody, answerUnknownPath);
  app.use(answerError);
  return app;
}

function byPath(routes: readonly Route[]): ReadonlyMap<string, readonly Route[]> {
  return Map.groupBy(routes, ({ path }) => path);
}

/** What is read takes no body; what is sent bounds its own. Any other method is told which there are. */
function mount(app: Express, path: string, routes: readonly Route[]): void {
  const methods = routes.map(({ method }) => (method === 'get' ? 'GET, HEAD' : 'POST')).join(', ');
  const mounted = app.route(path);
  for (const { method, handle } of routes) {
    if (method === 'get') mounted.get(refuseBody, handle);
    else mounted.post(handle);
  }
  mounted.options(refuseBody, answerOptions(methods));
  mounted.all(refuseBody, answerWrongMethod(`${methods}, OPTIONS`));
}
