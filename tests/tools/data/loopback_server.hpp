// A web server for tests: a thread on 127.0.0.1 that gives prepared answers, also wrong ones.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace strata::tools {

/// How a path is answered.
struct Answer {
  std::string body = {};
  int status = 200;
  std::size_t missing_bytes = 0;  // the header promises this many more than the body has
  bool stall = false;             // keeps the connection open after the body instead of closing it
  std::string location = {};      // of a redirection
};

/// Serves `answers` by path ("/name"), anything else with status 404, until it is destroyed or has served
/// 64 requests.
class LoopbackServer {
 public:
  explicit LoopbackServer(std::map<std::string, Answer> answers) : answers_(std::move(answers)) {
    setenv("no_proxy", "127.0.0.1", 1);  // libcurl would ask the proxy of a machine that has one
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (listener_ < 0 || bind(listener_, any, length) != 0 || listen(listener_, 8) != 0 ||
        getsockname(listener_, any, &length) != 0) {
      if (listener_ >= 0) close(listener_);
      throw std::runtime_error("no loopback server");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }

  ~LoopbackServer() {
    thread_.request_stop();
    thread_.join();
    close(listener_);
  }

  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  /// "http://127.0.0.1:port/"
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

  /// The number of requests so far.
  int requests() const { return requests_; }

 private:
  static constexpr int most_requests = 64;
  static constexpr int tick_ms = 20;  // how often a waiting thread looks whether it shall stop

  static bool wait_readable(int socket, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd waiting{socket, POLLIN, 0};
      if (poll(&waiting, 1, tick_ms) > 0) return true;
    }
    return false;
  }

  void serve(const std::stop_token& stop) {
    while (requests_ < most_requests && wait_readable(listener_, stop)) {
      const int client = accept(listener_, nullptr, nullptr);
      if (client < 0) continue;
      answer(client, stop);
      close(client);
    }
  }

  void answer(int client, const std::stop_token& stop) {
    std::string request;
    while (request.find("\r\n\r\n") == std::string::npos && request.size() < 8192) {
      char piece[1024];
      const ssize_t count = wait_readable(client, stop) ? recv(client, piece, sizeof piece, 0) : 0;
      if (count <= 0) return;
      request.append(piece, static_cast<std::size_t>(count));
    }
    ++requests_;
    const std::size_t begin = request.find(' ') + 1;
    const auto found = answers_.find(request.substr(begin, request.find(' ', begin) - begin));
    const Answer& reply = found == answers_.end() ? not_found_ : found->second;
    send_all(client, "HTTP/1.1 " + std::to_string(reply.status) + " Test\r\nConnection: close\r\n" +
                         "Content-Length: " + std::to_string(reply.body.size() + reply.missing_bytes) +
                         (reply.location.empty() ? "" : "\r\nLocation: " + reply.location) + "\r\n\r\n" +
                         reply.body);
    if (reply.stall) wait_readable(client, stop);  // until the client gives up
  }

  static void send_all(int client, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  const std::map<std::string, Answer> answers_;
  const Answer not_found_{.body = "no such file", .status = 404};
  const int listener_ = socket(AF_INET, SOCK_STREAM, 0);
  int port_ = 0;
  std::atomic<int> requests_ = 0;
  std::jthread thread_;
};

}  // namespace strata::tools
