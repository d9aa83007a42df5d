export {
  DaemonMetrics,
  type DaemonMetricsParts,
  type MeasuredCall,
  type MeasuredNow,
} from "./daemon-metrics.ts";
export { serveMetrics, type MetricsPlace, type MetricsSource } from "./metrics-server.ts";
