import { scenario } from './scenario.ts';

// Kernel 5.10 and nft 0.9.8: the iptables backends are what runs here.
scenario('bullseye', [
  '-p',
  'kubernetes:version=1.34',
  '-p',
  'istio:interception=tproxy,dnsCapture=true',
  '-p',
  'calico:ipvs=true',
]);
