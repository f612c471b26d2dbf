/** Prometheus metrics of a server, under the names of the original Realizar. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Metrics } from './app.js';

export function createMetrics(): Metrics {
  const registry = new Registry();
  const started = performance.now();
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name: `realizar_${name}`, help, registers });
  const seconds = () => (performance.now() - started) / 1000;

  const total = counter('requests_total', 'Requests answered, /health and /metrics not counted');
  const successful = counter('requests_successful', 'Requests answered with a status below 400');
  const failed = counter('requests_failed', 'Requests answered with a status of 400 or more');
  const tokens = counter('tokens_generated', 'Tokens generated');
  const inference = counter('inference_time_seconds', 'Time spent generating');
  new Counter({
    name: 'realizar_uptime_seconds', help: 'Time since the server started', registers,
    collect() {
      this.reset();
      this.inc(seconds());
    },
  });

  const counts = { requests: 0, failed: 0, tokens: 0, ms: 0 };
  const gauge = (name: string, help: string, value: () => number) => new Gauge({
    name: `realizar_${name}`, help, registers,
    collect() {
      this.set(value());
    },
  });
  gauge('requests_per_second', 'Requests per second since the start', () => counts.requests / seconds());
  gauge('tokens_per_second', 'Tokens per second since the start', () => counts.tokens / seconds());
  gauge('avg_latency_ms', 'Mean time to answer a request', () => (counts.requests ? counts.ms / counts.requests : 0));
  gauge('error_rate', 'Share of requests that failed', () => (counts.requests ? counts.failed / counts.requests : 0));

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    request(ok, ms) {
      counts.requests++;
      counts.ms += ms;
      total.inc();
      if (ok) {
        successful.inc();
      } else {
        counts.failed++;
        failed.inc();
      }
    },
    generation(n, ms) {
      counts.tokens += n;
      tokens.inc(n);
      inference.inc(ms / 1000);
    },
  };
}
