import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { HttpError } from "./http-error.ts";
import { ProxyRules, type ProxyVariables } from "./proxy-rules.ts";

function proxyFor(url: string, variables: ProxyVariables): string | undefined {
  return new ProxyRules(variables).proxyFor(new URL(url))?.href;
}

const P = "http://p.test:3128/";

const choices = [
  { name: "nothing set", url: "https://a.test", variables: {}, proxy: undefined },
  { name: "https", url: "https://a.test", variables: { HTTPS_PROXY: P }, proxy: P },
  { name: "http", url: "http://a.test", variables: { HTTP_PROXY: P }, proxy: P },
  {
    name: "https without its own",
    url: "https://a.test",
    variables: { HTTP_PROXY: P },
    proxy: undefined,
  },
  {
    name: "http without its own",
    url: "http://a.test",
    variables: { HTTPS_PROXY: P },
    proxy: undefined,
  },
  { name: "lower case", url: "https://a.test", variables: { https_proxy: P }, proxy: P },
  {
    name: "upper case before lower case",
    url: "https://a.test",
    variables: { https_proxy: "http://other.test", HTTPS_PROXY: P },
    proxy: P,
  },
  {
    name: "an empty upper case",
    url: "https://a.test",
    variables: { https_proxy: P, HTTPS_PROXY: "" },
    proxy: P,
  },
  { name: "no scheme", url: "https://a.test", variables: { HTTPS_PROXY: "p.test:3128" }, proxy: P },
  {
    name: "a host alone",
    url: "https://a.test",
    variables: { HTTPS_PROXY: "p.test" },
    proxy: "http://p.test/",
  },
  {
    name: "user info without a scheme",
    url: "https://a.test",
    variables: { HTTPS_PROXY: "u:p%40@p.test:1" },
    proxy: "http://u:p%40@p.test:1/",
  },
  {
    name: "a user without a password",
    url: "https://a.test",
    variables: { HTTPS_PROXY: "https://u@p.test" },
    proxy: "https://u@p.test/",
  },
  {
    name: "a path, which means nothing",
    url: "https://a.test",
    variables: { HTTPS_PROXY: "HTTP://p.test:3128/x?y#z" },
    proxy: P,
  },
  {
    name: "spaces around it",
    url: "https://a.test",
    variables: { HTTPS_PROXY: ` ${P} ` },
    proxy: P,
  },
  {
    name: "localhost",
    url: "https://localhost:5000",
    variables: { HTTPS_PROXY: P },
    proxy: undefined,
  },
  {
    name: "a name below localhost",
    url: "http://x.localhost",
    variables: { HTTP_PROXY: P },
    proxy: undefined,
  },
  {
    name: "127.0.0.0/8",
    url: "http://127.9.9.9:5000",
    variables: { HTTP_PROXY: P },
    proxy: undefined,
  },
  { name: "::1", url: "http://[::1]:5000", variables: { HTTP_PROXY: P }, proxy: undefined },
  {
    name: "a CGI program's client cannot name one",
    url: "http://a.test",
    variables: { HTTP_PROXY: P, REQUEST_METHOD: "GET" },
    proxy: undefined,
  },
  {
    name: "a CGI program's own",
    url: "http://a.test",
    variables: { HTTP_PROXY: "http://evil.test", http_proxy: P, REQUEST_METHOD: "GET" },
    proxy: P,
  },
  {
    name: "https in a CGI program",
    url: "https://a.test",
    variables: { HTTPS_PROXY: P, REQUEST_METHOD: "GET" },
    proxy: P,
  },
  {
    name: "no_proxy in lower case",
    url: "https://a.test",
    variables: { HTTPS_PROXY: P, no_proxy: "a.test" },
    proxy: undefined,
  },
  {
    name: "NO_PROXY before no_proxy",
    url: "https://a.test",
    variables: { HTTPS_PROXY: P, NO_PROXY: "b.test", no_proxy: "a.test" },
    proxy: P,
  },
  {
    name: "a proxy that is not needed is not looked at",
    url: "https://a.test",
    variables: { HTTPS_PROXY: "socks5://p.test", NO_PROXY: "a.test" },
    proxy: undefined,
  },
];

for (const { name, url, variables, proxy } of choices) {
  test(`the proxy with ${name} is ${proxy ?? "none"}`, () => {
    assert.equal(proxyFor(url, variables), proxy);
  });
}

const entries = [
  { list: "*", url: "https://a.test", direct: true },
  { list: " * ", url: "https://10.0.0.1", direct: true },
  { list: "x,*", url: "https://a.test", direct: true },
  { list: "", url: "https://a.test", direct: false },
  { list: ",,", url: "https://a.test", direct: false },
  { list: "a.test", url: "https://a.test", direct: true },
  { list: "A.Test", url: "https://a.test", direct: true },
  { list: "a.test", url: "https://x.a.test", direct: true },
  { list: "a.test", url: "https://xa.test", direct: false },
  { list: "a.test", url: "https://a.test.evil", direct: false },
  { list: ".a.test", url: "https://a.test", direct: false },
  { list: ".a.test", url: "https://x.a.test", direct: true },
  { list: "*.a.test", url: "https://x.y.a.test", direct: true },
  { list: "*.a.test", url: "https://a.test", direct: false },
  { list: "b.test, a.test", url: "https://a.test", direct: true },
  { list: "b.test a.test", url: "https://a.test", direct: false },
  { list: "a.test:443", url: "https://a.test", direct: true },
  { list: "a.test:5000", url: "https://a.test", direct: false },
  { list: "a.test:5000", url: "https://a.test:5000", direct: true },
  { list: "a.test:80", url: "http://x.a.test", direct: true },
  { list: ".a.test:80", url: "http://a.test", direct: false },
  { list: ":443", url: "https://a.test", direct: false },
  { list: ".", url: "https://a.test", direct: false },
  { list: "bücher.test", url: "https://xn--bcher-kva.test", direct: true },
  { list: "10.0.0.1", url: "https://10.0.0.1:5000", direct: true },
  { list: "10.0.0.1:5000", url: "https://10.0.0.1:5000", direct: true },
  { list: "10.0.0.1:5000", url: "https://10.0.0.1", direct: false },
  { list: "10.0.0.1", url: "https://10.0.0.11", direct: false },
  { list: "10.0.0.0/8", url: "https://10.9.9.9:5000", direct: true },
  { list: "10.0.0.0/8", url: "https://11.0.0.1", direct: false },
  { list: "10.0.0.0/8", url: "https://10.test", direct: false },
  { list: "10.0.0.0/8", url: "https://[::ffff:10.1.2.3]", direct: true },
  { list: "10.0.0.0/33", url: "https://10.0.0.1", direct: false },
  { list: "0.0.0.0/0", url: "https://10.0.0.1", direct: true },
  { list: "0.0.0.0/0", url: "https://a.test", direct: false },
  { list: "fd00::/8", url: "https://[fd12::1]", direct: true },
  { list: "fd00::/8", url: "https://[fe12::1]", direct: false },
  { list: "fd12::1", url: "https://[fd12::1]:5000", direct: true },
  { list: "[fd12::1]", url: "https://[fd12::1]:5000", direct: true },
  { list: "[fd12::1]:5000", url: "https://[fd12::1]:5000", direct: true },
  { list: "[fd12::1]:5000", url: "https://[fd12::1]", direct: false },
  { list: "FD12::1", url: "https://[fd12::1]", direct: true },
];

for (const { list, url, direct } of entries) {
  test(`NO_PROXY ${JSON.stringify(list)}: ${url} ${direct ? "directly" : "by the proxy"}`, () => {
    const variables = { HTTPS_PROXY: P, HTTP_PROXY: P, NO_PROXY: list };
    assert.equal(proxyFor(url, variables), direct ? undefined : P);
  });
}

const refusals = [
  { value: "socks5://u:hunter2@p.test:1080", message: "by socks5" },
  { value: "socks5h://p.test", message: "by socks5h" },
  { value: "SOCKS4://p.test", message: "by socks4" },
  { value: "ftp://p.test", message: "by ftp" },
  { value: "http://u:hunter2@[", message: "the URL of a proxy" },
  { value: "http://", message: "the URL of a proxy" },
  { value: "u:hunter2@p.test:port", message: "the URL of a proxy" },
  { value: "u:hunter2%@p.test", message: "with %XX for special characters" },
  { value: "u%ff:hunter2@p.test", message: "with %XX for special characters" },
];

for (const { value, message } of refusals) {
  test(`the proxy ${value} is refused, never passed by, and not shown`, () => {
    assert.throws(
      () => proxyFor("https://a.test", { https_proxy: value }),
      (error) => {
        assert.ok(error instanceof HttpError);
        assert.equal(error.code, "HTTP_PROXY_INVALID");
        assert.match(error.message, new RegExp(`^https_proxy: expected .*${message}$`));
        return !inspect(error).includes("hunter2");
      },
    );
  });
}

test("any values give a proxy, none, or HTTP_PROXY_INVALID", () => {
  const text = fc.oneof(fc.string(), fc.webUrl(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(text, text, fc.webUrl(), (proxy, list, url) => {
      try {
        const got = proxyFor(url, { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: list });
        assert.ok(got === undefined || /^https?:/.test(got));
      } catch (error) {
        assert.ok(error instanceof HttpError);
      }
    }),
    { numRuns: 500 },
  );
});
