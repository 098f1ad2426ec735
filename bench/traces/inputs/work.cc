// What a large translation unit costs a compiler: many headers, and templates to instantiate.
#include <bits/stdc++.h>
#include <experimental/filesystem>

template <int N> struct Table {
    std::map<std::string, std::vector<std::array<int, N>>> rows;
    std::unordered_map<int, std::function<int(int)>> calls;
    std::variant<int, std::string, std::array<char, N>> value;
    int sum() const {
        int total = 0;
        for (const auto &[name, list] : rows)
            for (const auto &row : list) total += std::accumulate(row.begin(), row.end(), int(name.size()));
        return total + std::visit([](const auto &v) { return int(sizeof v); }, value);
    }
    void add(const std::string &name, int seed) {
        std::mt19937 random(seed);
        std::array<int, N> row;
        std::generate(row.begin(), row.end(), random);
        std::sort(row.begin(), row.end(), [](int a, int b) { return a % N < b % N; });
        rows[name].push_back(row);
        calls[seed] = [row](int i) { return row[std::size_t(i) % N]; };
        if (std::regex_match(name, std::regex("a+b*(c|d)"))) value = name;
    }
};

template <int... N> int all(std::integer_sequence<int, N...>) {
    std::tuple<Table<N + 1>...> tables;
    (std::get<N>(tables).add("name" + std::to_string(N), N), ...);
    return (std::get<N>(tables).sum() + ...);
}

int main() { return all(std::make_integer_sequence<int, 24>()); }
