/* What ZeroMQ itself can do, without Node: calls over DEALER and ROUTER, casts over PUSH and PULL. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define SAMPLE_EVERY 8
#define SAMPLES_MAX 4000000

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void check(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
  exit(1);
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void *bound(void *context, int type, const char *at) {
  char endpoint[256];
  size_t size = sizeof endpoint;
  int none = 0;
  void *socket = zmq_socket(context, type);
  if (type == ZMQ_ROUTER) {
    zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none);
  }
  check(zmq_bind(socket, at) == 0, at);
  zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
  printf("%s%c", endpoint, type == ZMQ_REP ? '\n' : ' ');
  fflush(stdout);
  return socket;
}

/* Echoes each message whole. */
static void serve_calls(void *context, const char *at) {
  void *router = bound(context, ZMQ_ROUTER, at);
  printf("\n");
  fflush(stdout);
  for (;;) {
    zmq_msg_t part;
    zmq_msg_init(&part);
    check(zmq_msg_recv(&part, router, 0) >= 0, "receive");
    int more = zmq_msg_more(&part);
    check(zmq_msg_send(&part, router, more ? ZMQ_SNDMORE : 0) >= 0, "send");
  }
}

/* Counts what is of the size; an empty message asks for the count. */
static void serve_casts(void *context, const char *at, int size) {
  void *pull = bound(context, ZMQ_PULL, at);
  void *rep = bound(context, ZMQ_REP, "tcp://127.0.0.1:*");
  int64_t count = 0;
  for (;;) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    check(zmq_msg_recv(&message, pull, 0) >= 0, "receive");
    int got = (int)zmq_msg_size(&message);
    zmq_msg_close(&message);
    if (got == size) count++;
    if (got > 0) continue;
    char asked;
    check(zmq_recv(rep, &asked, 1, 0) >= 0, "receive");
    check(zmq_send(rep, &count, sizeof count, 0) >= 0, "send");
    count = 0;
  }
}

static void print_figures(double ops, double seconds, double *samples, size_t taken) {
  qsort(samples, taken, sizeof *samples, compare);
  double p50 = taken ? samples[taken / 2] : 0, p99 = taken ? samples[(size_t)(taken * 0.99)] : 0;
  printf("{\"opsPerSecond\":%f,\"p50Us\":%f,\"p99Us\":%f}\n", ops / seconds, p50, p99);
}

static void call(void *context, const char *at, int size, int window, double seconds) {
  int none = 0;
  void *dealer = zmq_socket(context, ZMQ_DEALER);
  zmq_setsockopt(dealer, ZMQ_SNDHWM, &none, sizeof none);
  zmq_setsockopt(dealer, ZMQ_RCVHWM, &none, sizeof none);
  check(zmq_connect(dealer, at) == 0, at);
  char *payload = malloc((size_t)size + 8), *reply = malloc((size_t)size + 8);
  memset(payload, 7, (size_t)size + 8);
  double *samples = malloc(SAMPLES_MAX * sizeof *samples), started = 0, begun = now_us(), ends = begun + seconds * 1e6;
  size_t taken = 0;
  int64_t sent = 0, done = 0, sampled = -1;
  int is_over = 0;
  while (!is_over || done < sent) {
    while (!is_over && sent - done < window) {
      if (sampled < 0 && sent % SAMPLE_EVERY == 0) {
        sampled = sent;
        started = now_us();
      }
      memcpy(payload, &sent, 8);
      check(zmq_send(dealer, payload, (size_t)size + 8, 0) >= 0, "send");
      sent++;
    }
    int64_t id;
    int got = zmq_recv(dealer, reply, (size_t)size + 8, 0);
    if (got != size + 8 || reply[size + 7] != 7) {
      fprintf(stderr, "a wrong reply\n");
      exit(1);
    }
    memcpy(&id, reply, 8);
    done++;
    if (id == sampled) {
      if (taken < SAMPLES_MAX) samples[taken++] = now_us() - started;
      sampled = -1;
    }
    if ((done & 7) == 0 || window == 1) is_over = now_us() >= ends;
  }
  print_figures((double)done, (now_us() - begun) / 1e6, samples, taken);
}

static void cast(void *context, const char *at, const char *count_at, int size, double seconds) {
  void *push = zmq_socket(context, ZMQ_PUSH), *req = zmq_socket(context, ZMQ_REQ);
  check(zmq_connect(push, at) == 0, at);
  check(zmq_connect(req, count_at) == 0, count_at);
  char *payload = malloc((size_t)size);
  memset(payload, 7, (size_t)size);
  double begun = now_us(), ends = begun + seconds * 1e6;
  int64_t sent = 0, arrived = 0;
  while (now_us() < ends) {
    for (int i = 0; i < 64; i++) check(zmq_send(push, payload, (size_t)size, 0) >= 0, "send");
    sent += 64;
  }
  zmq_send(push, "", 0, 0);
  zmq_send(req, "", 0, 0);
  check(zmq_recv(req, &arrived, sizeof arrived, 0) == sizeof arrived, "count");
  if (arrived != sent) {
    fprintf(stderr, "%" PRId64 " of %" PRId64 " arrived\n", arrived, sent);
    exit(1);
  }
  print_figures((double)sent, (now_us() - begun) / 1e6, NULL, 0);
}

int main(int argc, char **argv) {
  void *context = zmq_ctx_new();
  if (argc == 4 && strcmp(argv[1], "serve-calls") == 0) serve_calls(context, argv[2]);
  else if (argc == 4 && strcmp(argv[1], "serve-casts") == 0) serve_casts(context, argv[2], atoi(argv[3]));
  else if (argc == 6 && strcmp(argv[1], "call") == 0) call(context, argv[2], atoi(argv[3]), atoi(argv[4]), atof(argv[5]));
  else if (argc == 6 && strcmp(argv[1], "cast") == 0) cast(context, argv[2], argv[3], atoi(argv[4]), atof(argv[5]));
  else return 2;
  return 0;
}
