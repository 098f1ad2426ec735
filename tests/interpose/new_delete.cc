// Every form of new gives blocks of the pool, every form of delete takes them back, and what throws still throws.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <malloc.h>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

static int failures;

#define CHECK(condition) \
	((condition) ? (void)0 : (void)(failures++, std::printf("%s:%d: not true: %s\n", __FILE__, __LINE__, #condition)))

static std::size_t live()
{
	return mallinfo2().uordblks;
}

template <class T> static T *hide(T *pointer)
{
	__asm__ volatile("" : "+r"(pointer) : : "memory");
	return pointer;
}

struct alignas(256) Wide {
	char bytes[512];
};

int main()
{
	std::size_t before = live();
	{
		auto *one = hide(new std::string(100000, 'x'));
		auto *many = hide(new int[50000]);
		auto *wide = hide(new Wide[100]);
		auto *none = hide(new (std::nothrow) char[200000]);

		CHECK(live() - before >= 100000 + 200000 + 51200 + 200000);
		CHECK(reinterpret_cast<std::uintptr_t>(wide) % 256 == 0);
		delete one;
		delete[] many;
		delete[] wide;
		operator delete(none, std::size_t(200000));
		std::map<int, std::vector<std::string>> tree;
		for (int i = 0; i < 20000; i++)
			tree[i % 1000].push_back(std::to_string(i) + std::string(50, '.'));
		CHECK(tree[7][3] == "3007" + std::string(50, '.'));
		CHECK(live() - before >= 20000 * 50);
	}
	CHECK(live() < before + 20000);
	bool thrown = false;
	try {
		hide(new char[std::size_t(1) << 40]);
	} catch (const std::bad_alloc &) {
		thrown = true;
	}
	CHECK(thrown);
	CHECK(hide(new (std::nothrow) char[std::size_t(1) << 40]) == nullptr);
	return failures == 0 ? 0 : 1;
}
