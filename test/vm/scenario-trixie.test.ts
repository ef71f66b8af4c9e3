import { scenario } from './scenario.ts';

scenario('trixie', [
  ...['-p', 'kubernetes:kubeProxy=nftables,protectKernelDefaults=true'],
  ...['-p', 'istio:mode=ambient,backend=nftables'],
  ...['-p', 'calico:dataplane=nftables,wireguard=true'],
]);
